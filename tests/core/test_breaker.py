import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jackline.core.breaker import CLOSED, Breaker, Circuit, Entry, enter, leave
from jackline.core.errors import DefinitionError

BREAKER = Breaker(failures=3, window_s=10.0, cooldown_s=5.0)


def failed(circuit: Circuit, *times: float) -> Circuit:
    for now in times:
        circuit = leave(BREAKER, circuit, Entry(), now, ok=False)
    return circuit


def test_it_opens_after_so_many_failures_within_the_window() -> None:
    assert enter(BREAKER, failed(CLOSED, 0, 1), 1)[1] == Entry()
    assert enter(BREAKER, failed(CLOSED, 0, 1, 2), 2)[1] == Entry(wait_s=5.0)
    assert enter(BREAKER, failed(CLOSED, 0, 1, 10.5), 11)[1] == Entry()


def test_a_success_takes_one_failure_back() -> None:
    circuit = leave(BREAKER, failed(CLOSED, 0, 1), Entry(), 1, ok=True)
    assert enter(BREAKER, failed(circuit, 2), 2)[1] == Entry()
    assert enter(BREAKER, failed(circuit, 2, 3), 3)[1].wait_s > 0
    assert leave(BREAKER, CLOSED, Entry(), 1, ok=True) is CLOSED


def test_after_the_cool_down_one_probe_decides() -> None:
    opened = failed(CLOSED, 0, 0, 0)
    half, probe = enter(BREAKER, opened, 5)
    assert probe == Entry(probe=True)
    assert enter(BREAKER, half, 5)[1].wait_s > 0
    assert leave(BREAKER, half, probe, 6, ok=True) == CLOSED
    again = leave(BREAKER, half, probe, 6, ok=False)
    assert enter(BREAKER, again, 7)[1] == Entry(wait_s=4.0)


def test_a_probe_of_unknown_end_lets_another_one_through() -> None:
    half, probe = enter(BREAKER, failed(CLOSED, 0, 0, 0), 5)
    assert enter(BREAKER, leave(BREAKER, half, probe, 6, ok=None), 6)[1] == Entry(probe=True)


def test_a_probe_that_never_says_anything_is_lost_after_another_cool_down() -> None:
    half, _ = enter(BREAKER, failed(CLOSED, 0, 0, 0), 5)
    half, entry = enter(BREAKER, half, 9)
    assert entry == Entry(wait_s=1.0)
    again, probe = enter(BREAKER, half, 10)
    assert probe == Entry(probe=True)
    assert leave(BREAKER, again, probe, 11, ok=True) == CLOSED


def test_calls_that_passed_before_it_opened_say_nothing_new() -> None:
    opened = failed(CLOSED, 0, 0, 0)
    for ok in (True, False, None):
        assert leave(BREAKER, opened, Entry(), 4, ok=ok) == opened
    assert leave(BREAKER, failed(CLOSED, 0), Entry(), 4, ok=None) == failed(CLOSED, 0)


@pytest.mark.parametrize(
    "options",
    [{"failures": 0}, {"window_s": 0.0}, {"cooldown_s": -1.0}, {"cooldown_s": float("inf")}],
)
def test_a_breaker_that_could_not_open_or_close_is_refused(options: dict[str, float]) -> None:
    with pytest.raises(DefinitionError, match="at least one failure"):
        Breaker(**options)  # pyright: ignore[reportArgumentType] - bad input


ACTS = st.lists(
    st.tuples(st.floats(-20, 20), st.sampled_from(["enter", "fail", "succeed", "lose"])),
    max_size=80,
)


@given(ACTS)
@example([(0, "enter"), (0, "fail")] * 3 + [(6, "enter"), (1, "enter"), (6, "enter")])
def test_probes_that_say_nothing_are_a_cool_down_apart_and_no_wait_outlasts_one(
    acts: list[tuple[float, str]],
) -> None:
    now, circuit, inside, probed_at = 1000.0, CLOSED, list[Entry](), -1e9
    for passes_s, act in acts:
        now += passes_s
        if act == "enter":
            circuit, entry = enter(BREAKER, circuit, now)
            assert entry.wait_s <= BREAKER.cooldown_s
            inside += [entry] if not entry.wait_s else []
            if entry.probe:
                assert not probed_at <= now < probed_at + BREAKER.cooldown_s
                probed_at = now
        elif inside:
            ok = {"fail": False, "succeed": True, "lose": None}[act]
            entry = inside.pop(0)
            circuit = leave(BREAKER, circuit, entry, now, ok=ok)
            probed_at = -1e9 if entry.probe else probed_at
        assert len(circuit.failed_at) < BREAKER.failures


@given(ACTS)
def test_it_never_stays_open_once_calls_succeed_again(acts: list[tuple[float, str]]) -> None:
    now, circuit = 1000.0, CLOSED
    for passes_s, act in acts:
        now += passes_s
        circuit, entry = enter(BREAKER, circuit, now)
        if not entry.wait_s:
            circuit = leave(BREAKER, circuit, entry, now, ok=act == "succeed")
    now += BREAKER.cooldown_s
    circuit, entry = enter(BREAKER, circuit, now)
    assert entry.wait_s == 0
    circuit = leave(BREAKER, circuit, entry, now, ok=True)
    assert enter(BREAKER, circuit, now)[1] == Entry()
