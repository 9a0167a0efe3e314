"""Conversations in which nobody attacks: their users are asked, and seldom."""

from benchmarks.security.conversations import count
from benchmarks.security.speed import microseconds
from benchmarks.security.talks import TALKS


def test_users_of_twenty_conversations_are_asked_seldom_and_where_they_left_the_choice() -> None:
    counted = count()
    assert len(TALKS) == 20
    assert counted.turns == 60
    assert counted.effectful >= 25
    assert 0 < counted.questions_per_turn <= 0.5
    assert any("whoever wrote it" in why for why in counted.why)


def test_a_value_that_was_endorsed_once_is_not_asked_about_again() -> None:
    asked = [why for why in count().why if "send_mail" in why]
    assert len(asked) == 1


def test_each_way_to_decide_is_timed() -> None:
    assert microseconds().keys() == {"pinned", "found", "asked"}
