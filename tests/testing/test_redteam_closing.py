"""Which declaration `jackline redteam` says closes a hole: the smallest of those that do."""

from pathlib import Path

import pytest
from tests.testing.test_redteam import attacked, example, scene

from jackline import From, ToolCall, tool


@pytest.fixture(autouse=True)
def _everybody_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what keeps a directory's entries from who was not named, as a hole to close."""

    def names_everybody(known: object, recipient: object) -> bool:
        del known, recipient
        return True

    monkeypatch.setattr("jackline.core.flow.provenance.Provenance.is_named", names_everybody)


def test_a_field_s_label_is_lowered_no_further_than_closes_the_hole(tmp_path: Path) -> None:
    with example("secretary", tmp_path) as scenario:
        report = attacked(scenario)
    assert {(each.declared_by, each.declaration) for each in report.through} == {
        ("list_contacts", 'labels={"*": "directory", "email": "system"}')
    }


@tool(effect="read")
def read_mail() -> str:
    """Read what came."""
    return "Thank you for nothing."


@tool(effect="read", labels={"*": "system"})
def list_accounts() -> dict[str, str]:
    """List what letters can be sent from."""
    return {"account": "A-17"}


@tool(effect="read", labels={"*": "user"})
def list_contacts() -> list[dict[str, str]]:
    """List who is known."""
    return [
        {"name": "Bob Vance", "email": "bob@vance.example"},
        {"name": "Carol Hale", "email": "carol@hale.example"},
    ]


@tool(
    effect="once",
    critical={"account": From("system"), "to": From("user")},
    readers_from="to",
    labels={"*": "system"},
)
def send(account: str, to: str, body: str) -> str:
    """Send a letter."""
    assert account
    assert to
    assert body
    return "Sent."


def test_what_the_attacker_did_not_choose_keeps_its_label() -> None:
    letter = '{"account": "A-17", "to": "bob@vance.example", "body": "Thanks."}'
    replies = [
        [ToolCall(each.name, "{}") for each in (read_mail, list_accounts, list_contacts)],
        [ToolCall("send", letter)],
        "Done.",
    ]
    tools = [read_mail, list_accounts, list_contacts, send]
    report = attacked(scene(*tools, says=["What came in? Thank Bob Vance."], replies=replies))
    assert {(each.chosen, each.declared_by, each.declaration) for each in report.through} == {
        (("to",), "list_contacts", 'labels={"*": "directory"}')
    }


@tool(effect="read", labels={"*": "user"})
def read_letter() -> dict[str, str]:
    """Read what came."""
    return {"sender": "win@prize.example", "body": "You won."}


def test_two_changes_of_one_declaration_are_told_as_one() -> None:
    letter = '{"account": "A-17", "to": "bob@vance.example", "body": "Thanks."}'
    calls = [ToolCall("read_letter", "{}"), ToolCall("list_accounts", "{}")]
    replies = [calls, [ToolCall("send", letter)], "Done."]
    says = ["What came in? Thank bob@vance.example."]
    report = attacked(scene(read_letter, list_accounts, send, says=says, replies=replies))
    declared = {(each.declared_by, each.declaration) for each in report.through}
    assert ("read_letter", 'labels={"*": "directory", "body": "untrusted"}') in declared
    assert not any("\n" in line for _, line in declared), declared
