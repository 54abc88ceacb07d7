"""Loads the handler as Lambda does: a fresh import of its module, with its own environment."""

import importlib.util
from typing import Any

from tests.processor.in_process_catalogue import InProcessCatalogue
from tests.processor.records import lines_of, make_event


class LambdaContext:
    function_name = "clicklake-lake-test-processor"

    def __init__(self, seconds: float = 60) -> None:
        self._milliseconds = round(seconds * 1000)

    def get_remaining_time_in_millis(self) -> int:
        return self._milliseconds


class LoadedProcessor:
    def __init__(self, catalogue: InProcessCatalogue | None = None) -> None:
        spec = importlib.util.find_spec("processor.handler")
        assert spec is not None
        assert spec.loader is not None
        self.module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.module)
        if catalogue:
            self.module.ITEMS.catalogue.session.mount("http://", catalogue)

    def handle(self, event: dict[str, Any], seconds: float = 60) -> list[dict[str, Any]]:
        response: dict[str, list[dict[str, Any]]] = self.module.lambda_handler(event, LambdaContext(seconds))
        assert response.keys() == {"records"}
        return response["records"]

    def lines(self, *data: bytes, seconds: float = 60) -> list[dict[str, Any]]:
        """Return the lines of these records. All of the records must be Ok."""
        results = self.handle(make_event(*data), seconds)
        assert [record["result"] for record in results] == ["Ok"] * len(data)
        return [line for record in results for line in lines_of(record)]
