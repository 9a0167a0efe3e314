"""What a user wants of a session, once."""

from dataclasses import dataclass
from typing import Literal, get_args

from jackline.core.errors import InputError
from jackline.core.inputs import Said
from jackline.runtime.inputs import short

OnBusy = Literal["queue", "reject", "steer"]
_TRACE_MAX = 200


@dataclass(frozen=True, slots=True)
class Submission:
    """One thing that a user wants of a session."""

    said: Said
    request_id: str = ""
    on_busy: OnBusy = "queue"
    deadline_at: float | None = None
    traceparent: str = ""

    def __post_init__(self) -> None:
        """Refuse what nothing could enforce."""
        short(self.request_id)
        if self.on_busy not in get_args(OnBusy):
            raise InputError(f"on_busy={self.on_busy!r} is none of {', '.join(get_args(OnBusy))}.")
        if self.on_busy == "steer" and (self.deadline_at is not None or self.traceparent):
            raise InputError("What steers an open turn has no deadline and no trace of its own.")
        if len(self.traceparent) > _TRACE_MAX or not self.traceparent.isprintable():
            raise InputError(f"{self.traceparent[:40]!r} is no traceparent.")
