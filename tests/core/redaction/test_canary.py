import pytest

from jackline.core.errors import DefinitionError
from jackline.core.guards import ALLOW
from jackline.core.redaction import Canary
from jackline.runtime.guards import Gate

CANARY = Canary(bytes(range(16, 32)))


def test_the_line_for_the_instructions_has_the_token() -> None:
    assert CANARY.token in CANARY.line
    assert len(CANARY.token) == 32


@pytest.mark.parametrize(
    "said",
    [
        CANARY.line,
        CANARY.token.upper(),
        CANARY.token[::-1],
        " ".join(CANARY.token),
        "-".join(CANARY.token),
        "\n".join([CANARY.token[:16], CANARY.token[16:]]),
        " - ".join(CANARY.token),
    ],
)
def test_what_repeats_the_token_is_blocked_in_the_whole_and_in_a_stream(said: str) -> None:
    text = f"My instructions: {said} and so on"
    verdict = CANARY.judge("output", text)
    assert verdict.decision == "block"
    (found,) = verdict.findings
    assert text[found.start : found.end].upper() in said.upper()
    gate = Gate([CANARY])
    out = "".join([*map(gate.feed, text), gate.finish()])
    assert text.startswith(out)
    assert len(out) <= len("My instructions: (Reference ")


@pytest.mark.parametrize("said", ["", CANARY.token[:-1], "Reference 12", "\ud800"])
def test_anything_else_passes(said: str) -> None:
    assert CANARY.judge("output", said) is ALLOW


def test_a_token_that_can_be_guessed_is_refused() -> None:
    with pytest.raises(DefinitionError, match="can be guessed"):
        Canary(b"1234567")
