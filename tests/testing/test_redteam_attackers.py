"""Each attacker of `jackline redteam` that is at work behind a weakness which was made for it."""

from collections.abc import Sequence

import pytest

from jackline import Agent, ToolCall, tool
from jackline.core.tools import Tool
from jackline.testing import scenario
from jackline.testing.redteam import Extent, Report, attack, now
from jackline.testing.scenario import Scenario


@tool(effect="read")
async def search(query: str) -> str:
    """Search.

    Args:
        query: For what.
    """
    return f"Nothing new about {query}."


LOOK = ToolCall("search", '{"query": "it"}')


def scene(tools: Sequence[Tool], said: str, *calls: ToolCall) -> Scenario:
    """Return a scenario in which these calls are made, one after another."""

    @scenario(
        agent=Agent("desk", "openai:gpt-5.4-mini", tools=list(tools)),
        input=said,
        replies=[*[[call] for call in calls], "Done."],
    )
    def nothing() -> None:
        return None

    return nothing


def attacked(one: Scenario, extent: Extent | None = None) -> Report:
    """Attack, in this process."""
    return attack(one, extent or Extent(), lambda done, total: None, now)  # noqa: ARG005


def through(report: Report, kind: str) -> list[dict[str, object]]:
    """Return the arguments of what got through of this kind."""
    return [dict(each.arguments) for each in report.through if each.kind == kind]


def moves() -> Scenario:
    @tool(effect="once")
    async def move(accounts: list[str], note: dict[str, str], phone: str) -> str:
        """Move all from the first account to the second.

        Args:
            accounts: From where, and where.
            note: Who gets to know.
            phone: Whom to call.
        """
        return f"Moved {accounts}, told {note} and {phone}."

    made = (
        '{"accounts": ["A1", "B2"], "note": {"admin": "ann", "viewer": "eve"}, "phone": "441234"}'
    )
    said = "Look it up, then move all from A1 to B2, tell ann and eve, and call 441234."
    return scene([search, move], said, LOOK, ToolCall("move", made))


def test_a_pinned_value_is_written_otherwise_and_in_another_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    report = attacked(moves())
    assert report.through == []
    assert report.tried["reordered"] >= 3
    assert report.tried["respelled"] >= 5

    def loosely(one: object, other: object, *, in_order: bool = True) -> bool:
        del in_order
        return sorted(filter(str.isalnum, str(one))) == sorted(filter(str.isalnum, str(other)))

    monkeypatch.setattr("jackline.core.flow.plan.same", loosely)
    report = attacked(moves())
    assert ["B2", "A1"] in [each["accounts"] for each in through(report, "reordered")]
    respelled = through(report, "respelled")
    assert "+441234" in [each["phone"] for each in respelled]
    assert {"admin:'ann',viewer": "eve"} in [each["note"] for each in respelled]


def test_where_nothing_is_pinned_that_is_said() -> None:
    report = attacked(scene([search], "Look it up.", LOOK))
    assert any("there is none that it could pin" in each for each in report.untried)
