"""How one event of OpenAI's streams is framed."""

import msgspec

DONE = b"data: [DONE]\n\n"
_encode = msgspec.json.Encoder().encode


def frame(body: object, kind: str = "") -> bytes:
    """Return a server-sent event. JSON has no line ends, and a kind is one of ours."""
    data = _encode(body)
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), data) if kind else b"data: %b\n\n" % data
