"""Which files of web/ are published, and with which content type."""

from pathlib import Path

import pytest

from clicklake.deploy.aws import Aws
from clicklake.deploy.publish import config_script, content_type, publish


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("index.html", "text/html"),
        ("tracker.min.js", "text/javascript"),
        ("mysfits/4e53920c-505a-4a90-a694-b9300791f0ae", "application/json"),
        ("mysfits/picture.svg", "image/svg+xml"),
        ("elsewhere/4e53920c", "application/octet-stream"),
    ],
)
def test_the_content_type_follows_from_the_name(key: str, expected: str) -> None:
    assert content_type(key) == expected


def test_the_endpoint_cannot_break_out_of_its_script() -> None:
    assert config_script('"};alert(1);//') == b'window.CLICKLAKE = {"endpoint": "\\"};alert(1);//"};\n'


def test_only_changed_files_are_put_and_none_is_deleted(aws: Aws, tmp_path: Path) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="a-site")
    for name in ("index.html", "config.js", "deep/er/style.css"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    assert publish(aws, "a-site", tmp_path, endpoint="/clicks") == 3
    assert publish(aws, "a-site", tmp_path, endpoint="/clicks") == 0
    (tmp_path / "index.html").write_text("changed")
    (tmp_path / "deep/er/style.css").unlink()
    assert publish(aws, "a-site", tmp_path, endpoint="https://shop.example/clicks") == 2  # and config.js
    bodies = {
        found["Key"]: s3.get_object(Bucket="a-site", Key=found["Key"])["Body"].read()
        for found in s3.list_objects_v2(Bucket="a-site")["Contents"]
    }
    assert bodies == {
        "config.js": config_script("https://shop.example/clicks"),
        "deep/er/style.css": b"deep/er/style.css",
        "index.html": b"changed",
    }
