"""Requests to this machine, which never go through a proxy.

HTTP_PROXY and HTTPS_PROXY are for the internet. A proxy cannot reach another machine's 127.0.0.1.
"""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener, getproxies, urlopen

import boto3
from botocore.config import Config

LOOPBACK = ("127.0.0.1", "localhost", "::1")
PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy")

_direct = build_opener(ProxyHandler({}))


def is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host in LOOPBACK or f".{host}".endswith(".localhost.localstack.cloud")


def open_url(target: str | Request, *, timeout: float) -> Any:
    """Open the URL as urllib does, but without a proxy if it is on this machine."""
    url = target if isinstance(target, str) else target.full_url
    return (_direct.open if is_loopback(url) else urlopen)(target, timeout=timeout)


def new_client(service: str, make: Callable[..., Any] = boto3.client, **options: Any) -> Any:
    """Return boto3's client of a service. If its endpoint is on this machine, it uses no proxy."""
    client = make(service, **options)
    if not getproxies() or not is_loopback(client.meta.endpoint_url):
        return client
    config = (options.pop("config", None) or Config()).merge(Config(proxies={}))
    return make(service, config=config, **options)


def without_proxy(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment, in which a child process asks this machine directly."""
    changed = dict(environment)
    if not any(name.lower() in PROXY_VARIABLES for name in environment):
        return changed
    for name in ("NO_PROXY", "no_proxy"):
        excluded = [host for host in environment.get(name, "").split(",") if host]
        if excluded != ["*"]:
            changed[name] = ",".join([*excluded, *(host for host in LOOPBACK if host not in excluded)])
    return changed
