"""Tells observers, who may fail: that is nobody's turn's business."""

import logging
from collections.abc import Sequence

from jackline.core.events import Record
from jackline.core.session import Session
from jackline.ports import Observer

_LOG = logging.getLogger("jackline")


def tell(
    observers: Sequence[Observer],
    session: Session,
    records: Sequence[Record],
    took_s: float | None = None,
) -> None:
    """Tell them of records that follow `session`. See `Observer.saw`."""
    for observer in observers:
        try:
            observer.saw(session, records, took_s)
        except Exception:  # noqa: BLE001 - it is somebody else's code, and only looks on
            _LOG.exception("%s failed, and looks on.", type(observer).__name__)
