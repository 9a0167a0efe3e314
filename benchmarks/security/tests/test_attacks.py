"""The attacks are real: AgentDojo accepts each of them where nothing defends."""

import pytest

from benchmarks.security.figures import tool_pairs, undefended
from benchmarks.security.replay import Case, replay
from benchmarks.security.suites import TEXT_ONLY, suite

WITHOUT_CALLS = [f"injection_task_{number}" for number in range(6, 14)]


def test_there_are_824_tool_pairs_and_20_of_words_alone() -> None:
    assert sum(1 for _ in tool_pairs()) == 824
    assert sum(len(suite(name).users) for name, _ in TEXT_ONLY) == 20


@pytest.mark.parametrize("attack", WITHOUT_CALLS)
def test_an_attack_that_came_without_calls_is_accepted_with_those_written_here(attack: str) -> None:
    of = suite("workspace")
    assert of.attacks[attack].ground_truth(of.environment(None, of.users["user_task_0"])) == []
    case = Case(of, of.users["user_task_0"], of.attacks[attack])
    assert replay(case).is_achieved


def test_a_world_without_an_attacker_has_no_attack() -> None:
    of = suite("workspace")
    outcome = replay(Case(of, of.users["user_task_0"]))
    assert (outcome.is_achieved, outcome.is_done) == (False, True)


def test_nearly_all_attacks_succeed_where_nothing_defends() -> None:
    """The eight that do not count the files of a drive to which the task itself adds one."""
    assert undefended() == (824, 816)
