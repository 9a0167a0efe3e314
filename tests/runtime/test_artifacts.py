import asyncio
import re
from typing import Any

import pytest

from jackline.core.errors import NotFoundError, ToolError
from jackline.core.events import Principal, SessionId
from jackline.core.tools import ArgumentsError, Context
from jackline.runtime.artifacts import PAGE_BYTES, read_result

SESSION = SessionId("t", "s")
TEXT = "aüx€" * 20_000
KEPT = {
    "text": (TEXT.encode(), "text/plain; charset=utf-8"),
    "odd": (b"\xff\x80" * 40_000, "text/csv"),
}
PNG = (b"\x89PNG", "image/png")


async def get(session: SessionId, handle: str) -> tuple[bytes, str]:
    if session != SESSION or handle not in KEPT | {"png": PNG}:
        raise NotFoundError(handle)
    return (KEPT | {"png": PNG})[handle]


READ = read_result(get)


def read(session: SessionId = SESSION, **arguments: Any) -> str:
    context = Context[None](None, Principal("u"), session, "k")
    return asyncio.run(READ(context, **arguments))


def test_a_model_is_told_how_to_read_on() -> None:
    assert (READ.name, READ.effect) == ("read_result", "read")
    assert READ.parameters["required"] == ["handle"]
    assert READ.parameters["properties"]["offset"]["minimum"] == 0
    with pytest.raises(ArgumentsError, match="offset"):
        READ.check('{"handle":"h","offset":-1}')


def test_pages_in_order_are_the_whole_text() -> None:
    pages, offset = list[str](), 0
    while True:
        page, line = read(handle="text", offset=offset).rsplit("\n", 1)
        pages.append(page)
        assert len(page.encode()) <= PAGE_BYTES < READ.result_bytes
        match = re.search(r"offset=(\d+) shows more", line)
        if match is None:
            break
        offset = int(match[1])
    assert "".join(pages) == TEXT
    assert line == f"[The end of {len(TEXT.encode()):,} bytes.]"


def test_an_offset_inside_a_character_begins_with_that_character() -> None:
    assert read(handle="text", offset=2).startswith("üx€a")


def test_what_is_no_utf8_is_read_to_its_end_all_the_same() -> None:
    first = read(handle="odd")
    assert f"offset={PAGE_BYTES}" in first
    assert "The end of 80,000 bytes." in read(handle="odd", offset=79_999)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"handle": "nothing"}, "There is no result 'nothing' in this session."),
        ({"handle": "png"}, "png is image/png, which cannot be read as text."),
        ({"handle": "text", "offset": 10**9}, "The result ends at 140,000; offset has to be"),
        ({"handle": "text", "session": SessionId("t", "other")}, "There is no result 'text' in"),
    ],
)
def test_what_cannot_be_read_is_said_to_the_model(arguments: Any, sentence: str) -> None:
    with pytest.raises(ToolError) as error:
        read(**arguments)
    assert error.value.text.startswith(sentence)
