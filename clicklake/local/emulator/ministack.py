"""What we use of MiniStack, and how. No other module touches its internals, which differ between versions.

Another version than the one below stops the start.
"""

import asyncio
import contextlib
import importlib.metadata
import json
from collections.abc import Callable, Mapping
from typing import Any

from clicklake.local.delivery_stream.objects import SealedObject
from clicklake.local.delivery_stream.puts import ConnectionDroppedError, PutApi, PutError
from clicklake.local.delivery_stream.registry import StreamConfig
from clicklake.local.delivery_stream.transform import InvocationError
from clicklake.local.emulator.athena import json_relation
from clicklake.local.emulator.gateway import reset_connection
from clicklake.local.emulator.settings import EmulatorSettings

MINISTACK_VERSION = "1.5.33"


def environment_for(settings: EmulatorSettings) -> dict[str, str]:
    """Return MiniStack's own settings. It reads them from os.environ when it is imported."""
    return {
        "GATEWAY_PORT": str(settings.gateway_port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "localhost",
        "MINISTACK_REGION": settings.region,
        "LOG_LEVEL": settings.log_level,
        "AUTH": "true",  # enforce IAM
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "PERSIST_STATE": "1",  # save the control plane at SIGTERM
        "STATE_DIR": str(settings.state / "ministack"),
        "S3_PERSIST": "1",  # save each object before its put is answered
        "S3_DATA_DIR": str(settings.state / "s3"),
    }


class MiniStack:
    def __init__(self) -> None:
        version = importlib.metadata.version("ministack")
        if version != MINISTACK_VERSION:
            raise SystemExit(f"MiniStack is {version}; this module was written for {MINISTACK_VERSION}")
        from ministack import app  # type: ignore[import-not-found]
        from ministack.core import responses  # type: ignore[import-not-found]
        from ministack.services import athena, firehose, lambda_svc, s3  # type: ignore[import-not-found]

        self._responses, self._firehose, self._lambda, self._s3 = responses, firehose, lambda_svc, s3
        self._app = app
        guess = athena._table_relation
        athena._table_relation = lambda table, files: (
            json_relation(table, files) if athena._data_format(table) == "json" else guess(table, files)
        )

    @property
    def asgi_app(self) -> Any:
        return self._app.app

    def install(self, api: PutApi) -> None:
        """Replace MiniStack's PutRecord and PutRecordBatch with ours."""
        self._firehose._HANDLERS["PutRecord"] = self._operation(api.put_record)
        self._firehose._HANDLERS["PutRecordBatch"] = self._operation(api.put_record_batch)

    def _operation(self, operate: Callable[[Mapping[str, Any]], dict[str, Any]]) -> Callable[[Any], Any]:
        def handle(request: Any) -> Any:
            try:
                return self._responses.json_response(operate(request))
            except PutError as error:
                return self._responses.error_response_json(error.code, error.message, error.status)
            except ConnectionDroppedError:
                reset_connection()
                return self._responses.json_response({})  # never arrives

        return handle

    def stream_arn(self, name: str) -> str:
        """Return the ARN in the account and region of the request that is being handled."""
        return str(self._firehose._stream_arn(name))

    def find_config(self, arn: str) -> StreamConfig | None:
        with self._scope(arn):
            stream = self._firehose._streams.get(arn.rpartition("/")[2])
        destinations = stream["destinations"] if stream and stream["status"] == "ACTIVE" else []
        for destination in destinations:
            if destination["type"] in ("ExtendedS3", "S3"):
                return StreamConfig(stream["version"], destination["config"])
        return None

    def invoke(self, lambda_arn: str, payload: bytes) -> bytes:
        with self._scope(lambda_arn):
            name, qualifier = self._lambda._resolve_name_and_qualifier(lambda_arn)
            function, _ = self._lambda._get_func_record_for_qualifier(name, qualifier)
            if function is None:
                raise InvocationError.not_found()
            result = self._lambda._execute_function(function, json.loads(payload))
        if result.get("throttle"):
            raise InvocationError.throttled()
        if result.get("error"):
            raise InvocationError.function_error()
        return json.dumps(result.get("body")).encode()

    def put_object(self, sealed: SealedObject) -> None:
        """Put the object into a bucket of the emulator's own account, which is the context's default."""
        headers = {
            "host": "s3.localhost",
            "content-type": "application/octet-stream",
            "content-length": str(len(sealed.body)),
        }
        if sealed.content_encoding:
            headers["content-encoding"] = sealed.content_encoding
        path = f"/{sealed.bucket}/{sealed.key}"
        status, *_ = asyncio.run(
            self._s3.handle_request("PUT", path, headers, sealed.body, {}, internal=True)
        )
        if status != 200:
            raise OSError(f"S3 answered {status}")

    def save(self) -> None:
        """Write the control plane to disk, as MiniStack does when it ends."""
        self._app.save_all(self._app._build_persistence_save_dict())

    def _scope(self, arn: str) -> contextlib.AbstractContextManager[None]:
        _, _, _, region, account, *_ = arn.split(":")
        return self._responses.request_scope(account, region)  # type: ignore[no-any-return]
