"""Publish web/ to the site's bucket, with a config.js that says where clicks are sent to."""

import hashlib
import json
import mimetypes
from pathlib import Path

import boto3

# Nothing here has a new name when it changes, so nothing may be kept for long: a change is everywhere, at
# CloudFront's edges and in browsers, after five minutes.
CACHED_FOR_MINUTES = "public, max-age=300"


def publish(bucket: str, web: Path, *, endpoint: str, cache_control: str = CACHED_FOR_MINUTES) -> int:
    """Put every file of `web` that the bucket lacks or has otherwise; return how many. Nothing is deleted."""
    s3 = boto3.client("s3")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    there = {each["Key"]: each["ETag"].strip('"') for page in pages for each in page.get("Contents", [])}
    changed = 0
    for file in sorted(filter(Path.is_file, web.rglob("*"))):
        key = file.relative_to(web).as_posix()
        body = config_script(endpoint) if key == "config.js" else file.read_bytes()
        if there.get(key) != hashlib.md5(body, usedforsecurity=False).hexdigest():  # what S3 makes an ETag of
            s3.put_object(
                Bucket=bucket, Key=key, Body=body, ContentType=content_type(key), CacheControl=cache_control
            )
            changed += 1
    return changed


def config_script(endpoint: str) -> bytes:
    return f"window.CLICKLAKE = {json.dumps({'endpoint': endpoint})};\n".encode()


def content_type(key: str) -> str:
    """The catalogue's answers, `mysfits/<id>`, have no suffix; everything else has a known one."""
    if key.startswith("mysfits/") and "." not in key:
        return "application/json"
    return mimetypes.guess_type(key)[0] or "application/octet-stream"
