import pytest

from jackline.core import errors
from jackline.core.errors import JacklineError, ModelError, RateLimitedError, ToolError
from jackline.core.events import SessionId

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, JacklineError)
]


def test_each_error_that_is_raised_has_a_code_of_its_own() -> None:
    leaves = [kind for kind in KINDS if not kind.__subclasses__()]
    assert len({kind.code for kind in leaves}) == len(leaves)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_the_tree_of_errors_is_drawn_as_it_is(kind: type[JacklineError]) -> None:
    if not issubclass(kind, ModelError) or kind is ModelError:
        assert kind.__name__ in (errors.__doc__ or "")


def test_an_error_says_what_its_reader_needs() -> None:
    limited = RateLimitedError("later", sent=False, retry_after_s=3)
    assert (limited.text, limited.sent, limited.retry_after_s) == ("later", False, 3)
    assert (str(limited), limited.retryable) == ("later", True)
    assert ToolError("no").text == "no"


def test_a_session_s_name_says_its_tenant() -> None:
    assert str(SessionId("acme", "s1")) == "acme/s1"
