"""A file's cost has a bound, or it is not taken."""

import pytest

from jackline import Upload
from jackline.core.errors import InputError
from jackline.core.messages import File, Message, size_bytes


@pytest.mark.parametrize("media_type", ["text/plain", "text/csv", "application/json", "image/png"])
def test_text_and_pictures_need_no_declared_bound(media_type: str) -> None:
    assert Upload(b"x", media_type).tokens_max is None


@pytest.mark.parametrize("media_type", ["application/pdf", "audio/wav", "video/mp4"])
def test_what_a_provider_unpacks_is_refused_unless_its_bound_is_said(media_type: str) -> None:
    with pytest.raises(InputError, match="tokens_max"):
        Upload(b"x", media_type)
    assert Upload(b"x", media_type, tokens_max=9).tokens_max == 9


def test_a_declared_bound_counts_in_place_of_the_bytes() -> None:
    alone = size_bytes(Message("user", ()))
    file = File("handle", "application/pdf", size_bytes=10, tokens_max=70_000)
    assert size_bytes(Message("user", (file,))) - alone == 70_000


def test_a_type_means_the_same_in_capitals() -> None:
    upload = Upload(b"x", "Application/JSON; Charset=UTF-8")
    assert (upload.media_type, upload.is_text) == ("application/json; Charset=UTF-8", True)
    assert Upload(b"x", "IMAGE/PNG").is_image
