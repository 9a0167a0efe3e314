"""What streams to a user is redacted on its way, and is a beginning of what is kept."""

import asyncio
from pathlib import Path
from random import Random

import pytest

from jackline import Agent, Delta, DenyList, MaximumSize, Record, Redactor, Runtime
from jackline.core.events import TurnCompleted
from jackline.core.guards import Guard, judge
from jackline.runtime.guards import Gate
from jackline.testing import ScriptedModel

KEY = "AKIA" + "QYLPMN5HHHFPZAM2"
TEXT = (
    f"Write to ann@example.com or call +44 20 7946 0958. The key is {KEY}, the card "
    "4111 1111 1111 1111, and the rest is nobody's business: eleven o'clock."
)


def pieces(text: str, random: Random) -> list[str]:
    cuts = sorted(random.sample(range(1, len(text)), 12))
    return [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]


@pytest.mark.parametrize("seed", range(50))
@pytest.mark.parametrize("others", [[], [DenyList(["forbidden"])], [MaximumSize()]])
def test_a_redacted_stream_goes_on_to_its_end(seed: int, others: list[Guard]) -> None:
    guards = [*others, Redactor()]
    gate = Gate(guards)
    said = "".join([gate.feed(piece) for piece in pieces(TEXT, Random(seed))]) + gate.finish()
    kept, _ = judge(guards, "output", TEXT, "k")
    assert said == kept
    assert KEY not in said
    assert "ann@" not in said
    assert said.endswith("eleven o'clock.")


@pytest.mark.parametrize("decision", ["block", "redact"])
@pytest.mark.parametrize("seed", range(50))
def test_what_another_guard_ends_is_a_beginning_of_what_is_kept(seed: int, decision: str) -> None:
    denied = DenyList(["business"], decision="block" if decision == "block" else "redact")
    guards = [denied, Redactor()]
    gate = Gate(guards)
    said = "".join([gate.feed(piece) for piece in pieces(TEXT, Random(seed))]) + gate.finish()
    kept, _ = judge(guards, "output", TEXT, "k")
    assert "business" not in said
    assert kept.startswith(said) or decision == "block"


def test_a_user_hears_and_the_journal_keeps_the_same(tmp_path: Path) -> None:
    async def run() -> None:
        agent = Agent("support", ScriptedModel([TEXT]), instructions="x", guards=[Redactor()])
        async with Runtime([agent], store=f"sqlite:///{tmp_path}/j.db") as runtime:
            heard = [each async for each in runtime.stream("support", "Hello.", session="s1")]
        said = "".join([each.text for each in heard if isinstance(each, Delta)])
        ended = [each.event for each in heard if isinstance(each, Record)][-1]
        assert isinstance(ended, TurnCompleted)
        assert said == ended.text
        assert (said.count("[redacted:"), said.count("[secret:")) == (3, 1)

    asyncio.run(run())
    assert KEY.encode() not in b"".join([file.read_bytes() for file in tmp_path.iterdir()])
