"""The planner of row (b) is one for all, and knows nothing of the suites that judge it."""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.security import planner
from benchmarks.security.policies import POLICIES
from benchmarks.security.suites import SUITES, plain, suite
from jackline.core.flow import elements

POLICY_FILES = sorted(Path(planner.__file__).parent.glob("policies/*.py"))
_TELLING = re.compile(
    r"[\w.+-]+@[\w.-]+\w"  # addresses
    r"|\b[A-Z]{2}\d{2}[A-Z0-9]{10,}\b"  # accounts
    r"|\b[\w-]+\.(?:txt|docx|xlsx|md|pdf)\b"  # files
    r"|\b(?:[A-Z][\w']+ ){1,4}[A-Z][\w']+\b"  # names
    r"|(?<!\w)'[^'\n]{4,80}'(?!\w)"  # what is quoted
)


def telling() -> Iterator[str]:
    """Yield what could tell one task, attack or world from all others."""
    for name in SUITES:
        of = suite(name)
        world = plain(of.environment(None, next(iter(of.users.values()))))
        prompts = [each.PROMPT for each in of.users.values()]
        goals = [each.GOAL for each in of.attacks.values()]
        yield from of.users
        yield from of.attacks
        for text in [*prompts, *goals, *map(str, elements(world))]:
            yield from (found.strip("'").lower() for found in _TELLING.findall(text))


def strings() -> set[str]:
    return {each for each in telling() if len(each) > 4}


def test_there_is_much_that_could_tell() -> None:
    assert len(strings()) > 400
    assert {"mark.black-2134@gmail.com", "us133000000121212121212", "user_task_1"} <= strings()


def test_the_planner_has_no_string_and_no_tool_of_the_suites() -> None:
    source = inspect.getsource(planner).lower()
    assert [each for each in strings() if each in source] == []
    assert [tool for name in SUITES for tool in POLICIES[name] if tool in source] == []


@pytest.mark.parametrize("path", POLICY_FILES, ids=lambda path: path.name)
def test_a_policy_has_no_string_of_the_suites_but_the_names_of_their_tools(path: Path) -> None:
    source = path.read_text(encoding="utf-8").lower()
    assert [each for each in strings() if each in source] == []


def test_a_planned_string_is_found() -> None:
    source = inspect.getsource(planner).lower() + "# pay 'landlord-notices.txt'"
    assert [each for each in strings() if each in source] == ["landlord-notices.txt"]
