from hypothesis import given
from hypothesis import strategies as st

from jackline.core.backoff import delay_s


def test_the_bound_doubles_and_ends() -> None:
    assert [delay_s(n, 1.0) for n in (1, 2, 3, 6, 7, 100_000)] == [0.5, 1.0, 2.0, 16.0, 20.0, 20.0]


@given(st.integers(-5, 10_000), st.floats(0, 1, exclude_max=True))
def test_a_delay_is_anything_up_to_its_bound(failures: int, random: float) -> None:
    assert 0 <= delay_s(failures, random, first_s=1.0, most_s=8.0) < 8.0
    assert delay_s(failures, 0.0) == 0.0


@given(st.floats(0, 1, exclude_max=True), st.floats(-5, 600))
def test_nobody_comes_back_before_they_were_asked_to(random: float, after_s: float) -> None:
    assert delay_s(1, random, retry_after_s=after_s) >= max(after_s, 0.0)
