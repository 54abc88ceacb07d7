"""A catalogue without a network: requests calls this adapter instead of opening a connection."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any, NamedTuple
from urllib.parse import unquote

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

URL = "http://catalogue.example/mysfits/{id}"

ITEM = {"name": "Evangeline", "goodevil": "Evil", "lawchaos": "Lawful", "species": "Chimera", "age": 43}
OTHER_ITEM = {"goodevil": "Good", "lawchaos": "Neutral", "species": "Cyclops"}


class Reply(NamedTuple):
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = {}


def item_reply(document: object = ITEM) -> Reply:
    return Reply(200, json.dumps(document).encode())


class InProcessCatalogue(HTTPAdapter):
    """Set `reply` to make it misbehave: a function of the item id that returns a Reply or raises."""

    def __init__(self) -> None:
        super().__init__()
        self.reply: Callable[[str], Reply] = lambda item_id: item_reply()
        self._paths: list[str] = []

    @property
    def calls(self) -> Counter[str]:
        """The number of calls by path."""
        return Counter(self._paths)

    def forget_calls(self) -> None:
        self._paths.clear()

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        self._paths.append(request.path_url)
        reply = self.reply(unquote(request.path_url.rpartition("/")[2]))
        raw = HTTPResponse(BytesIO(reply.body), reply.headers, reply.status, preload_content=False)
        return self.build_response(request, raw)
