"""How the bytes of a body are read: with and without Content-Length, complete or cut short."""

from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ingest_app.parsing.body import MAX_BODY_BYTES
from tests.ingest_app.conftest import MemoryStream, json_of

CLICK = b'{"itemId":"1"}'


class BrokenInput(BytesIO):
    """What a WSGI server hands on if the chunks are malformed."""

    def read(self, size: int | None = -1, /) -> bytes:
        raise OSError("invalid chunk header")


def put(client: FlaskClient, stream: BytesIO, length: int | None, *, is_terminated: bool) -> TestResponse:
    """Send a body as a WSGI server would. `is_terminated`: the server itself ends the stream."""
    environ: dict[str, Any] = {"wsgi.input": stream}
    if is_terminated:
        environ["wsgi.input_terminated"] = True
    if length is None:
        environ["HTTP_TRANSFER_ENCODING"] = "chunked"
    else:
        environ["CONTENT_LENGTH"] = str(length)
    return client.put("/clicks", environ_overrides=environ)


@pytest.mark.parametrize("is_terminated", [True, False])
def test_body_with_a_length_is_read(client: FlaskClient, is_terminated: bool) -> None:
    assert put(client, BytesIO(CLICK), len(CLICK), is_terminated=is_terminated).status_code == 202


def test_chunked_body_is_read_to_its_end(client: FlaskClient, stream: MemoryStream) -> None:
    assert put(client, BytesIO(CLICK), None, is_terminated=True).status_code == 202
    assert stream.click["mysfitId"] == "1"


@pytest.mark.parametrize("is_terminated", [True, False])
def test_body_that_is_shorter_than_its_length_is_refused(client: FlaskClient, is_terminated: bool) -> None:
    response = put(client, BytesIO(CLICK), len(CLICK) + 1, is_terminated=is_terminated)
    assert (response.status_code, json_of(response)["code"]) == (400, "bad_request")
    assert json_of(response)["field"] == "Content-Length"


def test_body_of_a_lambda_event_is_read_even_if_it_claims_to_be_chunked(client: FlaskClient) -> None:
    environ = {"lambda.event": {}, "wsgi.input": BytesIO(CLICK), "HTTP_TRANSFER_ENCODING": "chunked"}
    assert client.put("/clicks", environ_overrides=environ).status_code == 202


def test_malformed_chunks_are_refused(client: FlaskClient) -> None:
    response = put(client, BrokenInput(), None, is_terminated=True)
    assert (response.status_code, json_of(response)["code"]) == (400, "bad_request")


@pytest.mark.parametrize("length", [None, MAX_BODY_BYTES + 1])
def test_body_is_read_no_further_than_the_limit(client: FlaskClient, length: int | None) -> None:
    body = BytesIO(CLICK.ljust(10 * MAX_BODY_BYTES))
    response = put(client, body, length, is_terminated=True)
    assert (response.status_code, json_of(response)["limit"]) == (413, MAX_BODY_BYTES)
    assert body.tell() == (MAX_BODY_BYTES + 1 if length is None else 0)
