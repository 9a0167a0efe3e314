import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jackline.core.errors import DefinitionError
from jackline.core.rates import Bucket, Buckets, Quota, Rate, admit, parse, settle, take

STEPS = st.lists(st.tuples(st.floats(0, 30), st.integers(0, 12)), max_size=60)
QUOTA = Quota(10, 20.0)


@pytest.mark.parametrize(
    ("text", "quota"),
    [
        ("30/min", Quota(30, 60.0)),
        ("5/s", Quota(5, 1.0)),
        ("2 / 10 s", Quota(2, 10.0)),
        ("100/hour", Quota(100, 3600.0)),
        ("1000/day", Quota(1000, 86_400.0)),
    ],
)
def test_a_rate_can_be_said_in_words(text: str, quota: Quota) -> None:
    assert parse(text) == quota


@pytest.mark.parametrize(
    "text", ["", "30", "30/fortnight", "-1/s", "0/s", "1.5/s", "3/0s", "x/min"]
)
def test_what_is_no_rate_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(DefinitionError, match=r"is no rate.*'30/min'"):
        parse(text)


def test_a_rate_that_limits_nothing_or_lets_nothing_through_is_refused() -> None:
    with pytest.raises(DefinitionError, match="tokens_per_minute"):
        Rate()
    with pytest.raises(DefinitionError, match="no rate"):
        Rate(requests_per_minute=0)
    with pytest.raises(DefinitionError, match="no rate"):
        Rate(tokens_per_minute=-5)


@given(STEPS)
@example([(0.0, 10), (10.0, 10), (10.0, 10), (1.0, 10)])
def test_no_window_ever_sees_more_than_the_quota(steps: list[tuple[float, int]]) -> None:
    now, bucket, taken = 0.0, Bucket(), list[tuple[float, int]]()
    for passes_s, amount in steps:
        now += passes_s
        bucket, wait_s = take(QUOTA, bucket, amount, now)
        if wait_s == 0:
            taken.append((now, amount))
        window = sum(each for at, each in taken if now - QUOTA.window_s < at <= now)
        assert window <= QUOTA.amount


@given(STEPS, st.integers(1, 10))
def test_whoever_waits_as_long_as_told_gets_it_within_a_window(
    steps: list[tuple[float, int]], wanted: int
) -> None:
    now, bucket = 0.0, Bucket()
    for passes_s, amount in steps:
        now += passes_s
        bucket, _ = take(QUOTA, bucket, amount, now)
    until = now + QUOTA.window_s + 0.01
    while True:
        bucket, wait_s = take(QUOTA, bucket, wanted, now)
        if wait_s == 0:
            break
        now += wait_s
        assert now <= until


def test_a_quota_is_used_up_and_comes_back_after_its_window() -> None:
    bucket, _ = take(QUOTA, Bucket(), 6, 100.0)
    bucket, _ = take(QUOTA, bucket, 4, 105.0)
    assert take(QUOTA, bucket, 1, 110.0) == (bucket, 10.0)
    assert take(QUOTA, bucket, 7, 110.0) == (bucket, 15.0)
    assert take(QUOTA, bucket, 6, 120.0)[1] == 0


def test_what_is_above_the_quota_never_fits() -> None:
    assert take(QUOTA, Bucket(), 11, 0.0) == (Bucket(), math.inf)


def test_a_bucket_stays_small_however_often_it_is_used() -> None:
    bucket, quota = Bucket(), Quota(10**9)
    for tick in range(20_000):
        bucket, wait_s = take(quota, bucket, 1, tick * 0.01)
        assert wait_s == 0
    assert len(bucket.slots) <= 210
    assert 6000 <= sum(amount for _, amount in bucket.slots) <= 6100


@given(STEPS, st.floats(0, 1e9))
def test_a_clock_that_jumps_back_never_locks_anybody_out(
    steps: list[tuple[float, int]], back_s: float
) -> None:
    now, bucket = 1e9, Bucket()
    for passes_s, amount in steps:
        now += passes_s
        bucket, _ = take(QUOTA, bucket, amount, now)
    _, wait_s = take(QUOTA, bucket, 1, now - back_s)
    assert wait_s <= QUOTA.window_s


def test_what_was_held_is_settled_to_what_was_used() -> None:
    bucket, _ = take(QUOTA, Bucket(), 10, 0.0)
    less = settle(QUOTA, bucket, (0.0, 10), 3, 1.0)
    assert take(QUOTA, less, 7, 1.0)[1] == 0
    assert take(QUOTA, less, 8, 1.0)[1] > 0
    more = settle(QUOTA, less, (0.0, 3), 8, 2.0)
    assert take(QUOTA, more, 3, 2.0)[1] > 0
    assert take(QUOTA, more, 2, 2.0)[1] == 0


def test_what_comes_back_is_taken_from_the_oldest() -> None:
    bucket = Bucket()
    for now, amount in ((0.0, 3), (5.0, 3), (10.0, 4)):
        bucket, _ = take(QUOTA, bucket, amount, now)
    less = settle(QUOTA, bucket, (10.0, 4), 0, 10.0)
    assert (less.taken, [amount for _, amount in less.slots]) == (6, [2, 4])


def test_what_is_settled_after_its_window_gives_nothing_back_of_others() -> None:
    bucket, _ = take(QUOTA, Bucket(), 10, 0.0)
    bucket, _ = take(QUOTA, bucket, 10, 21.0)
    assert settle(QUOTA, bucket, (0.0, 10), 0, 22.0) == bucket


def test_requests_and_tokens_are_taken_together_or_not_at_all() -> None:
    rate = Rate(tokens_per_minute=100, requests_per_minute=2).quotas
    one, wait_s = admit(rate, Buckets(), 90, 0.0)
    assert wait_s == 0
    assert admit(rate, one, 20, 10.0) == (one, 50.0)
    two, wait_s = admit(rate, one, 10, 20.0)
    assert wait_s == 0
    assert admit(rate, two, 0, 30.0) == (two, 30.0)
    assert admit(rate, two, 101, 30.0)[1] == math.inf


def test_a_rate_of_one_kind_leaves_the_other_alone() -> None:
    buckets, _ = admit(Rate(requests_per_minute=1).quotas, Buckets(), 10**9, 0.0)
    assert buckets.tokens == Bucket()
    assert admit(Rate(requests_per_minute=1).quotas, buckets, 0, 15.0) == (buckets, 45.0)
    buckets, _ = admit(Rate(tokens_per_minute=5).quotas, Buckets(), 5, 0.0)
    assert buckets.requests == Bucket()
    assert admit(Rate(tokens_per_minute=5).quotas, buckets, 1, 15.0)[1] == 45.0
