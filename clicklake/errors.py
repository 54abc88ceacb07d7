"""One-line error messages for the command line."""

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
    "InvalidClientTokenId": "AWS does not know these credentials",
    "SignatureDoesNotMatch": "the secret key does not belong to this access key",
    "ExpiredToken": "these credentials have expired",
    "ExpiredTokenException": "these credentials have expired",
    "RequestTimeTooSkewed": "this machine's clock is wrong by more than AWS allows",
}


class CommandError(click.ClickException):
    """The command failed. The message says why and, where we know it, what to do."""

    exit_code = 2


@contextmanager
def explain_aws_errors() -> Iterator[None]:
    """Turn boto3's exceptions into a CommandError of one line."""
    try:
        yield
    except NoCredentialsError as error:
        raise CommandError(
            "no AWS credentials: set AWS_PROFILE, or AWS_ENDPOINT_URL and keys for a local cloud"
        ) from error
    except NoRegionError as error:
        raise CommandError("no AWS region: set AWS_DEFAULT_REGION, or run `aws configure`") from error
    except EndpointConnectionError as error:
        raise CommandError(f"cannot connect: {error}") from error
    except ClientError as error:
        details = error.response.get("Error", {})
        meaning = _MEANINGS.get(details.get("Code", ""), details.get("Message") or str(error))
        raise CommandError(f"{error.operation_name}: {meaning}") from error
    except BotoCoreError as error:
        raise CommandError(str(error)) from error
    except ValueError as error:
        if not str(error).startswith("Invalid endpoint"):  # botocore has no type for it
            raise
        raise CommandError(
            f"{str(error).lower()}: AWS_ENDPOINT_URL must begin with http:// or https://"
        ) from error
