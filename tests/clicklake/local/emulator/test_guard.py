"""Attacks on the emulator's port: stray keys, presigned URLs, pages of other sites, other users."""

import json
import os
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
import requests
from botocore.exceptions import ClientError
from playwright.sync_api import Browser

from tests.support.emulator import ACCESS_KEY, Emulator

pytestmark = pytest.mark.emulator

STRAY_KEYS = ["", "test", "000000000000", "123456789012"]
CREATE_ROLE = "Action=CreateRole&Version=2010-05-08&RoleName=evil&AssumeRolePolicyDocument=%7B%7D"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PUBLIC = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::site-1/*"}


def scope(key: str, service: str) -> str:
    return f"{key}/20261128/us-east-1/{service}/aws4_request"


def authorization(key: str, service: str) -> dict[str, str]:
    value = f"AWS4-HMAC-SHA256 Credential={scope(key, service)}, SignedHeaders=host, Signature=00"
    return {"Authorization": value}


def client_with(emulator: Emulator, service: Any, key: str, secret: str) -> Any:
    keys: Any = {"aws_access_key_id": key, "aws_secret_access_key": secret}
    return boto3.client(service, endpoint_url=emulator.gateway, region_name="us-east-1", **keys)


def roles_of(emulator: Emulator) -> set[str]:
    return {role["RoleName"] for role in emulator.client("iam").list_roles()["Roles"]}


@pytest.fixture(scope="module")
def site(emulator: Emulator) -> str:
    """A bucket whose policy lets the world read it, with a page in it."""
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket="site-1")
    s3.put_object(Bucket="site-1", Key="index.html", Body=b"<h1>site</h1>", ContentType="text/html")
    s3.delete_public_access_block(Bucket="site-1")
    policy = {"Version": "2012-10-17", "Statement": [PUBLIC]}
    s3.put_bucket_policy(Bucket="site-1", Policy=json.dumps(policy))
    s3.create_bucket(Bucket="lake-1")
    s3.put_object(Bucket="lake-1", Key="clicks/1", Body=b"private")
    return f"{emulator.gateway}/site-1/index.html"


@pytest.mark.parametrize("key", STRAY_KEYS)
def test_stray_key_creates_no_role(emulator: Emulator, key: str) -> None:
    headers = FORM | authorization(key, "iam")
    response = requests.post(emulator.gateway, CREATE_ROLE, headers=headers, timeout=10)
    assert (response.status_code, "InvalidClientTokenId" in response.text) == (403, True), response.text
    assert "evil" not in roles_of(emulator)


@pytest.mark.parametrize("key", STRAY_KEYS)
def test_stray_presigned_url_is_refused(emulator: Emulator, site: str, key: str) -> None:
    query = {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": scope(key, "s3"),
        "X-Amz-Date": "20261128T000000Z",
        "X-Amz-Expires": "604800",
        "X-Amz-SignedHeaders": "host",
        "X-Amz-Signature": "00",
    }
    url = f"{emulator.gateway}/lake-1/clicks/1"
    old = {"AWSAccessKeyId": key, "Signature": "00", "Expires": "1999999999"}
    for parameters in (query, {name.lower(): value for name, value in query.items()}, old):
        response = requests.get(url, parameters, timeout=10)
        assert (response.status_code, "private" in response.text) == (403, False), parameters


@pytest.mark.parametrize("secret", ["test", "", "another"])
def test_right_key_id_with_a_wrong_secret_is_refused(emulator: Emulator, secret: str) -> None:
    for service in ("sts", "lambda", "firehose"):
        client = client_with(emulator, service, ACCESS_KEY, secret or "-")
        call = {
            "sts": "get_caller_identity",
            "lambda": "list_functions",
            "firehose": "list_delivery_streams",
        }
        with pytest.raises(ClientError, match=r"SignatureDoesNotMatch|InvalidSignature"):
            getattr(client, call[service])()


def test_unknown_key_is_refused(emulator: Emulator) -> None:
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        client_with(emulator, "sts", "AKIAUNKNOWN", "secret").get_caller_identity()


def test_two_credentials_in_one_request_are_refused(emulator: Emulator) -> None:
    """MiniStack checks one of them, and may act for the other."""
    url = emulator.client("s3").generate_presigned_url("list_buckets")
    assert requests.get(url, timeout=10).status_code == 200
    assert requests.get(url, headers=authorization("test", "s3"), timeout=10).status_code == 400
    assert requests.get(f"{url}&X-Amz-Credential={scope('test', 's3')}", timeout=10).status_code == 400


def test_presigned_url_of_the_right_key_works_until_it_is_changed(emulator: Emulator, site: str) -> None:
    s3 = emulator.client("s3")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "lake-1", "Key": "clicks/1"})
    assert requests.get(url, timeout=10).text == "private"
    assert requests.get(url.replace("clicks/1", "clicks/2"), timeout=10).status_code == 403
    assert requests.put(url, b"overwritten", timeout=10).status_code == 403


@pytest.mark.parametrize("path", ["reset", "config", "sqs/messages", "lambda-layers/x", "ready"])
@pytest.mark.parametrize("prefix", ["/_ministack/", "/_localstack/", "//_ministack/"])
def test_administrative_requests_are_closed(emulator: Emulator, site: str, path: str, prefix: str) -> None:
    for method in ("GET", "POST", "PUT"):
        response = requests.request(method, emulator.gateway + prefix + path, timeout=10)
        assert response.status_code == 403, (method, response.text)
    assert requests.get(site, timeout=10).status_code == 200


def test_a_functions_code_can_be_downloaded_but_not_by_a_foreign_page_or_changed(emulator: Emulator) -> None:
    url = f"{emulator.gateway}/_ministack/lambda-code/000000000000/us-east-1/none"
    assert requests.get(url, timeout=10).status_code == 404
    assert requests.get(url, headers={"Origin": "http://evil.example"}, timeout=10).status_code == 403
    for method in ("POST", "PUT", "DELETE"):
        assert requests.request(method, url, timeout=10).status_code == 403


def test_unsigned_requests_read_only_what_a_bucket_policy_allows(emulator: Emulator, site: str) -> None:
    assert requests.get(site, timeout=10).text == "<h1>site</h1>"
    assert requests.head(site, timeout=10).status_code == 200
    for path in (
        "/",
        "/lake-1",
        "/lake-1/clicks/1",
        "/nowhere/x",
        "/2015-03-31/functions/",
        "/site-1?policy",
    ):
        response = requests.get(emulator.gateway + path, timeout=10)
        assert response.status_code == 403, (path, response.text)
    for method in ("PUT", "POST", "DELETE"):
        assert requests.request(method, site, data=b"x", timeout=10).status_code == 403


@pytest.mark.parametrize("host", ["evil.example", "evil.example:4566", "127.0.0.1.evil.example", "0.0.0.0"])
def test_foreign_host_is_refused(site: str, host: str) -> None:
    response = requests.get(site, headers={"Host": host}, timeout=10)
    assert (response.status_code, "Host must be one of" in response.text) == (421, True)


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:1"])
def test_foreign_origin_is_refused(emulator: Emulator, site: str, origin: str) -> None:
    assert requests.get(site, headers={"Origin": origin}, timeout=10).status_code == 403
    assert requests.get(site, headers={"Origin": emulator.gateway}, timeout=10).status_code == 200


def test_session_of_a_role_works_and_stays_within_its_rights(emulator: Emulator, site: str) -> None:
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    iam = emulator.client("iam")
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName="reader", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    session = emulator.client("sts").assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
    options = {
        "aws_access_key_id": session["AccessKeyId"],
        "aws_secret_access_key": session["SecretAccessKey"],
        "aws_session_token": session["SessionToken"],
    }
    assert ":assumed-role/reader/session" in emulator.client("sts", **options).get_caller_identity()["Arn"]
    with pytest.raises(ClientError, match="not authorized"):
        emulator.client("iam", **options).list_roles()


class _EvilPage(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"<!doctype html><title>evil</title>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def evil_page() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _EvilPage)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://evil.test:{server.server_port}/"  # Chromium resolves *.test to 127.0.0.1
    server.shutdown()
    server.server_close()


@pytest.mark.browser
def test_page_of_a_foreign_origin_reaches_nothing(
    browser: Browser, emulator: Emulator, site: str, evil_page: str
) -> None:
    """Three simple POSTs, which need no preflight, were enough to run code."""
    page = browser.new_page()
    page.goto(evil_page)
    send = """async ([url, body]) => {
      const options = body === null ? {} : {method: "POST", body, headers: {"Content-Type": "text/plain"}};
      try { return (await fetch(url, options)).status } catch { return "blocked" }
    }"""
    credential = (
        f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={scope('test', 'iam')}&X-Amz-Signature=00"
    )
    port = urlsplit(emulator.gateway).port
    for host in ("127.0.0.1", "localhost", "evil.test"):
        gateway = f"http://{host}:{port}"
        assert page.evaluate(send, [f"{gateway}/?{CREATE_ROLE}&{credential}", ""]) == "blocked"
        assert page.evaluate(send, [f"{gateway}/_ministack/reset", ""]) == "blocked"
        assert page.evaluate(send, [f"{gateway}/site-1/index.html", None]) == "blocked"
    page.close()
    assert "evil" not in roles_of(emulator)
    assert requests.get(site, timeout=10).status_code == 200  # nothing was wiped


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, which can become a second user")
def test_second_user_of_this_machine_reaches_nothing(emulator: Emulator, site: str) -> None:
    attack = f"""
import sys, urllib.error, urllib.request
role = {CREATE_ROLE!r}.encode()
for url, data in (("{emulator.gateway}/_ministack/reset", b""), ("{emulator.gateway}/", role)):
    for headers in ({{}}, {authorization("test", "iam")!r}):
        try:
            urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=10)
            sys.exit("answered: " + url)
        except urllib.error.HTTPError as error:
            print(error.code)
"""
    done = subprocess.run(
        ["/usr/bin/env", "python3", "-c", attack], user=65534, capture_output=True, text=True, cwd="/"
    )
    assert (done.returncode, done.stdout.split()) == (0, ["403"] * 4), done.stderr
    assert "evil" not in roles_of(emulator)
