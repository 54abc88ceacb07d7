"""The handler as Lambda starts it: its module imported anew, with an environment of its own."""

import importlib.util
from typing import Any

from tests.processor.records import lines_of, make_event


class Context:
    function_name = "clicklake-lake-test-processor"

    def __init__(self, seconds: float = 60) -> None:
        self._milliseconds = round(seconds * 1000)

    def get_remaining_time_in_millis(self) -> int:
        return self._milliseconds


class Processor:
    def __init__(self) -> None:
        spec = importlib.util.find_spec("processor.handler")
        assert spec is not None
        assert spec.loader is not None
        self.module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.module)

    def answer(self, event: dict[str, Any], seconds: float = 60) -> list[dict[str, Any]]:
        answer: dict[str, list[dict[str, Any]]] = self.module.lambda_handler(event, Context(seconds))
        assert answer.keys() == {"records"}
        return answer["records"]

    def lines(self, *data: bytes, seconds: float = 60) -> list[dict[str, Any]]:
        """The lines of records that must all be Ok."""
        answered = self.answer(make_event(*data), seconds)
        assert [record["result"] for record in answered] == ["Ok"] * len(data)
        return [line for record in answered for line in lines_of(record)]
