"""Which version of its agent a turn goes on with."""

from tests.core.story import ANN, Story

from jackline.core import events as e
from jackline.core.messages import Text
from jackline.core.turn import set_aside


def test_a_turn_has_the_version_that_it_was_submitted_with() -> None:
    assert Story().asked(version="v1").turn.version == "v1"


def test_a_next_turn_of_another_version_is_left_for_another_driver() -> None:
    told = Story().asked("one", version="v1")
    told.told(e.TurnSubmitted("two", (Text("two"),), ANN, "v1"))
    told.told(e.TurnSubmitted("three", (Text("three"),), ANN, "v2"))
    told.goes_on()
    told.replied("1")
    assert isinstance(told.goes_on()[-1], e.ModelReserved), "the second is one of this version"
    told.replied("2")
    assert isinstance(told.goes_on()[-1], e.TurnCompleted)
    assert told.turn.version == "v2"


def test_a_turn_that_is_set_aside_says_what_to_do_and_goes_on_with_what_it_is_told() -> None:
    told = Story().asked(version="v1", deadline_at=2_000.0)
    (paused,) = set_aside(told.turn, told.agent)
    assert isinstance(paused, e.TurnPaused)
    assert paused.is_set_aside
    assert (paused.reason, paused.until) == ("version", 2_000.0)
    assert "clerk v1" in paused.text
    assert told.agent.version in paused.text
    told.told(paused)
    assert told.goes_on() == []
    told.told(e.TurnResumed("asked", "v2"))
    assert told.turn.version == "v2"
    assert told.turn.pause is None
    told.told(e.TurnPaused("timer"), e.TurnResumed("asked"))
    assert told.turn.version == "v2", "no other one was named"


def test_nobody_waits_for_what_was_cancelled_or_is_too_late() -> None:
    told = Story().asked(deadline_at=2_000.0)
    assert told.turn.is_wanted(1_999.0)
    assert not told.turn.is_wanted(2_000.0)
    assert not told.told(e.TurnCancelRequested()).turn.is_wanted(0)
    assert Story().asked().turn.is_wanted(1e12)
