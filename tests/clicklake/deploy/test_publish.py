"""What is published of web/, and as what."""

from pathlib import Path

import pytest

from clicklake.deploy.publish import config_script, content_type, publish
from tests.support.checkout import Checkout


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
def test_a_file_is_served_as_what_its_name_says(key: str, expected: str) -> None:
    assert content_type(key) == expected


def test_the_endpoint_cannot_end_the_script_that_holds_it() -> None:
    assert config_script('"};alert(1);//') == b'window.CLICKLAKE = {"endpoint": "\\"};alert(1);//"};\n'


def test_only_what_changed_is_put_and_nothing_is_deleted(aws_cli: Checkout, tmp_path: Path) -> None:
    s3 = aws_cli.emulator.client("s3")
    s3.create_bucket(Bucket="a-site")
    for name in ("index.html", "config.js", "deep/er/style.css"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    assert publish("a-site", tmp_path, endpoint="/clicks") == 3
    assert publish("a-site", tmp_path, endpoint="/clicks") == 0
    (tmp_path / "index.html").write_text("changed")
    (tmp_path / "deep/er/style.css").unlink()
    assert publish("a-site", tmp_path, endpoint="https://shop.example/clicks") == 2  # config.js is the other
    bodies = {
        each["Key"]: s3.get_object(Bucket="a-site", Key=each["Key"])["Body"].read()
        for each in s3.list_objects_v2(Bucket="a-site")["Contents"]
    }
    assert bodies == {
        "config.js": config_script("https://shop.example/clicks"),
        "deep/er/style.css": b"deep/er/style.css",
        "index.html": b"changed",
    }
