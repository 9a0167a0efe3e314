"""Events as other programs read them: one JSON object a line."""

import msgspec

from jackline.core.codec import encode
from jackline.core.events import Record


def wire(record: Record) -> str:
    """Return the wire's JSON of an event, with its position and its time before all else."""
    body = encode(record.event)
    return f'{{"seq":{record.seq},"at":{record.at!r},{body[1:].decode()}'


def fields(record: Record) -> dict[str, object]:
    """Return the same as a value."""
    return msgspec.json.decode(wire(record), type=dict[str, object])
