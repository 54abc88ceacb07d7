"""Objects on their way to S3. Whatever S3's reason for refusing one, the upload is retried for ever."""

from collections.abc import Callable
from dataclasses import dataclass

from clicklake.local.delivery_stream.buffer import BufferedRecord
from clicklake.local.delivery_stream.objects import Kind, SealedObject

# AWS does not document its waits. These are short, so that a user sees the recovery.
PUT_RETRY_SECONDS = 0.25  # doubled on each attempt, up to the maximum
MAX_PUT_RETRY_SECONDS = 5.0


@dataclass
class PendingUpload:
    """Records that are not in S3 yet. Their object keeps its key over all attempts."""

    kind: Kind
    items: list[BufferedRecord]
    build: Callable[[], SealedObject]
    object: SealedObject | None = None
    retry_seconds: float = 0.0  # the last wait between two attempts; 0 before the first
    due: float = 0.0  # monotonic seconds

    def put(self, put_object: Callable[[SealedObject], None]) -> SealedObject:
        """Build the object if needed, and put it. Raises what `put_object` raises."""
        self.object = self.object or self.build()
        put_object(self.object)
        return self.object

    def postpone(self, now: float) -> None:
        """Schedule the next attempt."""
        self.retry_seconds = min(self.retry_seconds * 2 or PUT_RETRY_SECONDS, MAX_PUT_RETRY_SECONDS)
        self.due = now + self.retry_seconds
