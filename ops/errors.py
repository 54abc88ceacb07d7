"""What went wrong, told in one sentence to whoever typed the command."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
)

_MEANINGS = {
    "NoSuchBucket": "there is no such bucket",
    "AccessDenied": "AWS denies access with these credentials",
    "InvalidAccessKeyId": "AWS does not know these credentials",
    "ExpiredToken": "these credentials have expired",
}


class OpsError(click.ClickException):
    """It could not be done; the message says why and what to do."""

    exit_code = 2


@contextmanager
def told() -> Iterator[None]:
    """Turn what boto3 raises into an OpsError."""
    try:
        yield
    except NoCredentialsError as error:
        raise OpsError(
            "no AWS credentials: set AWS_PROFILE, or AWS_ENDPOINT_URL and keys for a local one"
        ) from error
    except NoRegionError as error:
        raise OpsError("no AWS region: set AWS_DEFAULT_REGION, or run `aws configure`") from error
    except EndpointConnectionError as error:
        raise OpsError(f"nobody answers: {error}") from error
    except ClientError as error:
        told = error.response.get("Error", {})
        meaning = _MEANINGS.get(told.get("Code", ""), told.get("Message") or str(error))
        raise OpsError(f"{error.operation_name}: {meaning}") from error
    except BotoCoreError as error:
        raise OpsError(str(error)) from error
