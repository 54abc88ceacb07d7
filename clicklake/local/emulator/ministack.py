"""What we use of MiniStack, and how. No other module touches its internals, which differ between versions.

Another version than the one below stops the start.
"""

import asyncio
import contextlib
import importlib.metadata
import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from clicklake.local.delivery_stream.objects import SealedObject
from clicklake.local.delivery_stream.puts import ConnectionDroppedError, PutApi, PutError
from clicklake.local.delivery_stream.registry import StreamConfig
from clicklake.local.delivery_stream.transform import InvocationError
from clicklake.local.emulator.athena import MACROS, json_relation, parquet_relation
from clicklake.local.emulator.gateway import reset_connection
from clicklake.local.emulator.guard import Guard, GuardError, Reply, SignableRequest, json_reply
from clicklake.local.emulator.settings import EmulatorSettings

MINISTACK_VERSION = "1.5.33"
ACCOUNT, REGION = "000000000000", "us-east-1"  # in which a key is looked up that names no account


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
        # The root user. Functions do not see these: IAM gives each a session of its role.
        "AWS_ACCESS_KEY_ID": settings.access_key_id,
        "AWS_SECRET_ACCESS_KEY": settings.secret_access_key,
    }


class MiniStack:
    def __init__(self) -> None:
        version = importlib.metadata.version("ministack")
        if version != MINISTACK_VERSION:
            raise SystemExit(f"MiniStack is {version}; this module was written for {MINISTACK_VERSION}")
        from ministack import app  # type: ignore[import-not-found]
        from ministack.core import (  # type: ignore[import-not-found]
            iam_evaluator,
            responses,
            router,
            sigv4,
        )
        from ministack.services import (  # type: ignore[import-not-found]
            apigateway_v1,
            athena,
            cloudfront,
            firehose,
            lambda_svc,
            s3,
        )

        self._iam, self._router, self._sigv4, self._cloudfront = iam_evaluator, router, sigv4, cloudfront
        self._responses, self._firehose, self._lambda, self._s3 = responses, firehose, lambda_svc, s3
        self._app = app
        self._read_tables_as_athena_does(athena)
        self._unescape_media_types(apigateway_v1)

    def _unescape_media_types(self, apigateway: Any) -> None:
        """Read a media type from a patch as API Gateway does: Zappa adds `*~1*`, which is `*/*`.

        Without it, a REST API answers an image with text that is longer than its Content-Length.
        """
        matches = apigateway._media_type_matches

        def match_unescaped(media_type: Any, patterns: Any) -> bool:
            unescaped = [each.replace("~1", "/").replace("~0", "~") for each in patterns or ()]
            return bool(matches(media_type, unescaped))

        apigateway._media_type_matches = match_unescaped

    def _read_tables_as_athena_does(self, athena: Any) -> None:
        relations = {"json": json_relation, "parquet": parquet_relation}
        guess, find_objects = athena._table_relation, athena._rewrite_data_paths

        def read_table(table: Any, files: Any) -> str:
            return str(relations.get(athena._data_format(table), guess)(table, files))

        async def with_macros(*arguments: Any) -> Any:
            query, *rest = await find_objects(*arguments)
            return f"{MACROS}{query}", *rest

        athena._table_relation, athena._rewrite_data_paths = read_table, with_macros

    @property
    def asgi_app(self) -> Any:
        return Guard(self._app.app, self)

    def check_signature(self, request: SignableRequest, key: str, body: bytes) -> None:
        """Raise GuardError unless the request is signed with the secret of this key.

        MiniStack itself checks the signatures of users and sessions, but not those of the root user.
        """
        account = self._responses._account_from_sts_session(key) or self._iam.find_iam_access_key_account(key)
        with self._responses.request_scope(account or ACCOUNT, REGION):
            if request.is_version_2:
                credential = self._check_version_2(request, key)
            else:
                credential = self._iam.resolve_credential(key)
        if isinstance(credential, (self._iam.CredentialResolutionError, self._iam.AuthError)):
            raise GuardError(403, credential.code, credential.message)
        if not request.is_version_2:
            self._check_version_4(request, credential.secret_access_key, body)

    def _check_version_2(self, request: SignableRequest, key: str) -> Any:
        """Return the credential, or MiniStack's error."""
        signed = self._iam.SignedRequest(
            key,
            request.method,
            request.raw_path,
            request.query,
            request.headers,
            sigv2=True,
            auth_path=request.raw_path,
        )
        return self._iam._sigv2_check(signed, self._responses.get_account_id())

    def _check_version_4(self, request: SignableRequest, secret: str, body: bytes) -> None:
        presigned = request.is_presigned
        signature = (
            self._sigv4.parse_query_signature(request.query)
            if presigned
            else self._sigv4.parse_header_signature(request.headers)
        )
        failure = signature if isinstance(signature, tuple) else self._time_failure(request, signature)
        failure = failure or self._sigv4.header_signature_failure(
            signature,
            secret,
            request.method,
            request.raw_path,
            request.query,
            request.headers,
            body,
            presigned=presigned,
        )
        if failure:
            raise GuardError(403, *failure)

    def _time_failure(self, request: SignableRequest, signature: Any) -> tuple[str, str] | None:
        lifetime = request.query.get("X-Amz-Expires", [""])[0]
        if not request.is_presigned or not lifetime:
            return self._sigv4.request_time_failure(signature)  # type: ignore[no-any-return]
        try:
            expired = self._sigv4.presigned_request_is_expired(signature.amz_date, lifetime)
        except ValueError:
            expired = True
        return ("AccessDenied", "Request has expired") if expired else None

    def is_object_of_bucket(self, request: SignableRequest) -> bool:
        """Return whether the request is for S3, and names an object of a bucket that exists."""
        bucket, _, key = request.path.removeprefix("/").partition("/")
        service = self._router.detect_service(request.method, request.path, request.headers, request.query)
        return service == "s3" and bool(key) and bucket in self._s3._buckets

    def is_distribution(self, host: str) -> bool:
        """Return whether the host is that of a CloudFront distribution."""
        label = self._app._parse_cloudfront_dataplane_host(host)
        return label is not None and self._cloudfront.find_distribution_for_label(label) is not None

    def reply_to_refused(self, request: SignableRequest, error: GuardError) -> Reply:
        """Return the error in the format of the service that the request is for."""
        service = self._router.detect_service(request.method, request.path, request.headers, request.query)
        if error.status != 403 or service == "unknown_query":
            return json_reply(error)
        denied = self._iam.AuthError(error.code, error.message)
        status, headers, body = self._app._credential_failure(
            service, "", str(uuid.uuid4()), denied, request.headers
        )
        return status, headers, body if isinstance(body, bytes) else body.encode()

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
