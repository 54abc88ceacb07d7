"""Break the processor for a moment, and put it back whatever happens.

What it was is written to a file before it is changed. So a run that was killed can be put right by the next.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CLOSED_CATALOGUE = "http://127.0.0.1:9/{id}"  # in the function itself: nobody listens there
MISSING_HANDLER = "processor.no_such_module.lambda_handler"


@dataclass(frozen=True)
class ProcessorSettingsKeeper:
    """The settings of one function, and the file that keeps them while they are changed."""

    functions: Any
    """boto3's client of Lambda."""
    name: str
    file: Path

    def restore_left_over(self) -> bool:
        """Put back what a killed run left. Return whether there was something."""
        if not self.file.exists():
            return False
        self._put(json.loads(self.file.read_text()))
        self.file.unlink()
        return True

    @contextmanager
    def without_catalogue(self) -> Iterator[None]:
        """Let the processor ask a catalogue that does not answer."""
        known = self._settings()
        variables = known["variables"] | {"CATALOGUE_URL": CLOSED_CATALOGUE}
        with self._changed(known, known | {"variables": variables}):
            yield

    @contextmanager
    def that_raises(self) -> Iterator[None]:
        """Let every invocation of the processor fail."""
        known = self._settings()
        with self._changed(known, known | {"handler": MISSING_HANDLER}):
            yield

    @contextmanager
    def _changed(self, known: dict[str, Any], changed: dict[str, Any]) -> Iterator[None]:
        self._keep(known)
        try:
            self._put(changed)
            yield
        finally:
            self.restore_left_over()

    def _settings(self) -> dict[str, Any]:
        found = self.functions.get_function_configuration(FunctionName=self.name)
        return {
            "handler": found["Handler"],
            "variables": found.get("Environment", {}).get("Variables", {}),
        }

    def _keep(self, settings: dict[str, Any]) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        partial = self.file.with_suffix(".partial")
        partial.unlink(missing_ok=True)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="utf-8") as output:
            json.dump(settings, output)
            output.flush()
            os.fsync(descriptor)
        partial.replace(self.file)

    def _put(self, settings: dict[str, Any]) -> None:
        waiter = self.functions.get_waiter("function_updated_v2")
        waiter.wait(FunctionName=self.name)
        self.functions.update_function_configuration(
            FunctionName=self.name,
            Handler=settings["handler"],
            Environment={"Variables": settings["variables"]},
        )
        waiter.wait(FunctionName=self.name)
