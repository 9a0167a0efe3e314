import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackline.core.pace import Pace, ask, slow_down, speed_up


def told(pace: Pace | None, after_s: float = 0.0, at: float = 0.0) -> Pace:
    """Return the pace after a complaint about a call that was asked just then."""
    return slow_down(pace, at, after_s, at)


def played(limit_per_s: float, seconds: int, callers: int = 8) -> tuple[int, int]:
    """Return how many calls a provider took and refused of callers who ask all the time.

    It takes so many in each window of a second, and the callers look ten times a second.
    """
    pace: Pace | None = None
    taken, refused, window = 0, 0, list[float]()
    for tick in range(seconds * 10):
        now = tick / 10
        for _ in range(callers):
            wait_s = 0.0
            if pace:
                pace, wait_s = ask(pace, now)
            if wait_s:
                continue
            window = [at for at in window if at > now - 1]
            if len(window) < limit_per_s:
                window.append(now)
                taken += 1
                pace = speed_up(pace, now, now) if pace else None
            else:
                refused += 1
                pace = slow_down(pace, now, 0.0, now)
    return taken, refused


@pytest.mark.parametrize("limit_per_s", [1, 3, 8])
def test_it_settles_near_what_the_provider_takes(limit_per_s: float) -> None:
    taken, refused = played(limit_per_s, 600)
    assert taken > 0.6 * limit_per_s * 600
    assert refused < 0.2 * taken


def test_nobody_is_let_through_while_the_provider_wants_a_pause() -> None:
    pace = told(None, after_s=30.0, at=100.0)
    for now in (100.0, 115.0, 129.9):
        assert ask(pace, now)[1] > 0
    assert ask(pace, 130.0)[1] == 0
    assert ask(told(pace, after_s=90.0, at=130.0), 219.0)[1] > 0


def test_a_pause_is_never_longer_than_an_hour() -> None:
    assert ask(told(None, after_s=1e9), 3_600.0)[1] == 0
    assert ask(told(None, after_s=-5.0), 0.0)[1] == 1.0


def test_after_the_pause_they_come_one_after_another() -> None:
    after, wait_s = ask(told(None, after_s=10.0), 10.0)
    assert wait_s == 0
    assert after
    waits: list[float] = []
    for _ in range(3):
        after, wait_s = ask(after, 10.0)
        assert after
        waits.append(wait_s)
    assert waits == [1.0, 2.0, 3.0]


def test_a_crowd_is_not_sent_away_for_ever() -> None:
    pace: Pace | None = told(None, after_s=10.0)
    for _ in range(1_000):
        assert pace
        pace, wait_s = ask(pace, 0.0)
        assert wait_s <= 70.0


def test_each_complaint_halves_the_pace_down_to_a_bound() -> None:
    pace = Pace(8.0, 0.0, 0.0)
    pace = told(pace, at=1.0)
    assert pace.per_s == 4.0
    for second in range(20, 400, 20):
        pace = told(pace, at=float(second))
    assert pace.per_s == 0.1


def test_calls_that_were_under_way_when_it_was_slowed_down_slow_it_no_further() -> None:
    pace = told(Pace(8.0, 0.0, 0.0), at=5.0)
    assert slow_down(pace, 4.0, 0.0, 6.0).per_s == pace.per_s
    assert slow_down(pace, 4.0, 20.0, 6.0).free_at == 26.0
    assert speed_up(pace, 4.0, 6.0) == pace


def test_it_grows_by_itself_until_a_limit_is_met_and_evenly_after_that() -> None:
    pace = speed_up(told(None), 1.0, 1.5)
    assert pace
    assert pace.per_s == 2.0
    steady = told(Pace(8.0, 0.0, 0.0), at=1.0)
    faster = speed_up(steady, 2.0, 3.0)
    assert faster
    assert faster.per_s == pytest.approx(4.0 + 0.2 / 4.0)


def test_it_is_forgotten_after_a_minute_without_complaint() -> None:
    pace = told(None, after_s=100.0)
    assert ask(pace, 159.0)[0] is not None
    assert ask(pace, 160.0) == (None, 0.0)
    assert speed_up(pace, 101.0, 160.0) is None


@given(st.lists(st.tuples(st.floats(-1e5, 1e5), st.booleans()), max_size=30))
def test_a_clock_that_jumps_back_never_locks_anybody_out(steps: list[tuple[float, bool]]) -> None:
    now, pace = 1e6, told(None, at=1e6)
    for passes_s, complains in steps:
        now += passes_s
        after, wait_s = ask(pace, now)
        assert wait_s <= 3_600.0 + 70.0
        pace = after or told(None, at=now)
        if complains:
            pace = slow_down(pace, now, 5.0, now)
