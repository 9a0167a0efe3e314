"""Whether bytes are text, whatever they are called."""

import codecs
import random

import pytest

from jackline.core.characters import encodings

TEXT = "a: key\r\n\tb \x1b[1mc\x1b[0m\f\b"


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (TEXT.encode(), "utf-8"),
        (codecs.BOM_UTF8 + "Grüße, 世界".encode(), "utf-8"),
        ("Grüße".encode("latin-1"), "latin-1"),
        ("世界 key".encode("shift-jis"), "latin-1"),
        (codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"), "utf-16-le"),
        (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), "utf-16-be"),
        ("Grüße, 世界 key".encode("utf-16-le"), "utf-16-le"),
        ("Grüße, 世界 key".encode("utf-16-be"), "utf-16-be"),
        ("Grüße".encode("utf-32"), "utf-32-le"),
        ("Grüße".encode("utf-32-be"), "utf-32-be"),
    ],
)
def test_what_decodes_without_controls_is_text(data: bytes, found: str) -> None:
    for media_type in ("", "application/octet-stream", "image/png", "text/plain"):
        assert encodings(data, media_type)[0] == found
    assert list(encodings(data)) == [found]


@pytest.mark.parametrize(
    "data",
    [
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n\x00\x01",
        b"PK\x03\x04\x14\x00\x00",
        b"\x1f\x8b\x08\x00\x00",
        random.Random(1).randbytes(1_000),
    ],
)
def test_what_has_controls_is_text_only_where_it_is_called_so(data: bytes) -> None:
    assert not encodings(data, "application/octet-stream")
    assert list(encodings(data, "text/plain; charset=utf-8")) in (["latin-1"], ["utf-8"])


def test_what_is_called_text_is_read_in_each_way_that_it_can_be() -> None:
    assert list(encodings(b"a\0b\x01", "application/json")) == ["utf-16-le", "utf-8"]
