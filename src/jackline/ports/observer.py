"""What looks on, and changes nothing."""

from collections.abc import Sequence
from typing import Protocol

from jackline.core.events import Record
from jackline.core.session import Session


class Observer(Protocol):
    """Is told what happens to the sessions that are driven here: for metrics and traces.

    It is called in the midst of all work: it neither waits nor raises.
    """

    def saw(self, session: Session, records: Sequence[Record], took_s: float | None = None) -> None:
        """Hear of records that follow `session`.

        With `took_s` this driver has just committed them, in so many seconds; else they were
        read, some of them perhaps for a second time.
        """
        ...
