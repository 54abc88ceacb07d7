"""Publish web/ to the site's bucket, with a config.js that holds the endpoint for clicks."""

import hashlib
import json
import mimetypes
from pathlib import Path

from clicklake.deploy.aws import Aws

# A file keeps its name when it changes, so caches may keep it for a short time only. A change reaches every
# edge of CloudFront and every browser after five minutes.
CACHED_FOR_MINUTES = "public, max-age=300"


def publish(
    aws: Aws, bucket: str, web: Path, *, endpoint: str, cache_control: str = CACHED_FOR_MINUTES
) -> int:
    """Put each file of `web` that is new or has changed. Return how many. Nothing is deleted."""
    s3 = aws.client("s3")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    etags = {found["Key"]: found["ETag"].strip('"') for page in pages for found in page.get("Contents", [])}
    changed = 0
    for file in sorted(filter(Path.is_file, web.rglob("*"))):
        key = file.relative_to(web).as_posix()
        body = config_script(endpoint) if key == "config.js" else file.read_bytes()
        if etags.get(key) != hashlib.md5(body, usedforsecurity=False).hexdigest():  # S3's ETag is the MD5
            s3.put_object(
                Bucket=bucket, Key=key, Body=body, ContentType=content_type(key), CacheControl=cache_control
            )
            changed += 1
    return changed


def config_script(endpoint: str) -> bytes:
    return f"window.CLICKLAKE = {json.dumps({'endpoint': endpoint})};\n".encode()


def content_type(key: str) -> str:
    """Guess from the suffix. The catalogue's responses, `mysfits/<id>`, have none: they are JSON."""
    if key.startswith("mysfits/") and "." not in key:
        return "application/json"
    return mimetypes.guess_type(key)[0] or "application/octet-stream"
