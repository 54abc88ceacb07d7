"""Publish web/ to a bucket that anyone may read, with a config.js that holds the API's address."""

import json
import mimetypes
from pathlib import Path
from typing import TYPE_CHECKING

from local.stack import make_bucket

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def publish_site(s3: "S3Client", bucket: str, web: Path, *, endpoint: str) -> None:
    """Put every file of `web` into `bucket`, readable by all; the page sends its clicks to `endpoint`."""
    make_bucket(s3, bucket)
    s3.delete_public_access_block(Bucket=bucket)  # new buckets refuse public policies
    s3.put_bucket_policy(Bucket=bucket, Policy=_readable_by_all(bucket))
    for file in sorted(web.rglob("*")):
        if file.is_file():
            key = file.relative_to(web).as_posix()
            body = config_script(endpoint) if key == "config.js" else file.read_bytes()
            s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType=content_type(key))


def config_script(endpoint: str) -> bytes:
    return f"window.CLICKLAKE = {json.dumps({'endpoint': endpoint})};\n".encode()


def content_type(key: str) -> str:
    """The catalogue's answers, `mysfits/<id>`, have no suffix; everything else has a known one."""
    if key.startswith("mysfits/") and "." not in key:
        return "application/json"
    return mimetypes.guess_type(key)[0] or "application/octet-stream"


def _readable_by_all(bucket: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
