"""Objects are read in bounded pieces, whatever their form, over connections that break."""

import gzip
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from threading import Thread
from typing import Any, ClassVar

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clicklake.errors import CommandError, explain_aws_errors
from clicklake.lake.bucket import Lake, find_lake
from clicklake.lake.object_stream import (
    CHUNK_BYTES,
    OBJECT_BOUNDARY,
    UnreadableObjectError,
    decompress,
    whole_lines,
)
from clicklake.lake.records import RECORDS
from tests.support.emulator import KEYS, free_port
from tests.support.lakes import Commands, compact


@given(st.lists(st.binary(max_size=300), max_size=4), st.integers(1, 50))
def test_gzip_is_inflated_member_after_member(members: list[bytes], size: int) -> None:
    packed = b"".join(map(gzip.compress, members))
    chunks = (packed[at : at + size] for at in range(0, len(packed), size)) if size > 1 else iter([packed])
    assert b"".join(decompress(chunks)) == b"".join(members)


def test_what_inflates_to_much_comes_in_pieces() -> None:
    packed = gzip.compress(b"x" * 10_000_000)
    assert max(len(piece) for piece in decompress(iter([packed]))) <= CHUNK_BYTES


@pytest.mark.parametrize("cut", [2, 10, -9, -1])
def test_what_ends_inside_is_an_error(cut: int) -> None:
    with pytest.raises(UnreadableObjectError, match=r"ends inside its gzip data|is damaged"):
        list(decompress(iter([gzip.compress(b"a line\n" * 20)[:cut]])))


@given(
    st.lists(st.binary(min_size=1, max_size=20) | st.sampled_from([OBJECT_BOUNDARY, b"\n"])), st.booleans()
)
def test_chunks_become_blocks_of_whole_lines(chunks: list[bytes], ends: bool) -> None:
    chunks += [b"\n"] if ends else []
    blocks = list(whole_lines(chunks))
    assert b"".join(blocks) == b"".join(chunks)
    for block, after in pairwise(blocks):
        assert block.endswith(b"\n") or block[-1:] + after[:2] == OBJECT_BOUNDARY


def test_an_object_without_newlines_is_cut_between_its_clicks() -> None:
    clicks = [compact({"userId": str(number), "title": '}{"'}) for number in range(40_000)]
    joined = b"".join(clicks)
    chunks = (joined[at : at + 10_000] for at in range(0, len(joined), 10_000))
    blocks = list(whole_lines(chunks))
    assert len(blocks) > 1
    assert [segment.data for block in blocks for segment in RECORDS.read_line(block)] == clicks


class Breaking(BaseHTTPRequestHandler):
    """An S3 whose connection breaks in the middle of each object, but for every third request."""

    body: ClassVar[bytes] = bytes(range(256)) * 4000
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        given = self.headers.get("Range", "bytes=0-")
        self.asked.append(given)
        rest = self.body[int(given.removeprefix("bytes=").rstrip("-")) :]
        self.send_response(206 if "Range" in self.headers else 200)
        self.send_header("Content-Length", str(len(rest)))
        self.send_header("ETag", '"one"')
        self.end_headers()
        self.wfile.write(rest if len(self.asked) % 3 == 0 else rest[: len(rest) // 2])
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def breaking() -> Iterator[Lake]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Breaking)
    thread = Thread(target=server.serve_forever)
    thread.start()
    s3 = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{server.server_port}", **KEYS)
    yield Lake("bucket", {}, s3)
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.e2e
def test_a_download_that_breaks_goes_on_where_it_was(breaking: Lake) -> None:
    assert b"".join(breaking.read_raw("key")) == Breaking.body
    assert len(Breaking.asked) == 3


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}, "no AWS credentials"),
        ({"AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}"}, "cannot connect"),
    ],
)
def test_without_access_the_command_says_what_is_missing(
    clicklake: Commands, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str | None], says: str
) -> None:
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it remembers an earlier test's credentials
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    for name, value in environment.items():
        monkeypatch.delenv(name, raising=False) if value is None else monkeypatch.setenv(name, value)
    assert says in clicklake("reconcile", code=2).output


@pytest.mark.usefixtures("clicklake")
def test_a_stage_without_a_stack_is_said() -> None:
    with pytest.raises(Exception, match="stack clicklake-lake-nowhere not found"):
        find_lake("nowhere", None)


@pytest.mark.usefixtures("clicklake")
def test_a_missing_region_is_said_with_its_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it remembers an earlier test's region
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    with pytest.raises(CommandError, match="no AWS region: set AWS_DEFAULT_REGION"), explain_aws_errors():
        find_lake("dev", None)
