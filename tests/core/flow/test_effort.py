"""One effort for all values of a call: whatever was read, its verdict does not stop the loop."""

import sys
from collections.abc import Callable, Iterable
from types import FrameType

from tests.core.flow.tools import reading

from jackline.core.flow import Declared, From, Provenance, Question, Source, flow_of, judge
from jackline.core.flow.effort import Effort
from jackline.core.flow.forms import keys

_TEXTS = {"type": "array", "items": {"type": "string"}}
TAG = flow_of(
    "tag", "read", {"properties": {"names": _TEXTS}}, Declared(critical={"names": From("user")})
)
PLACES_MAX = 1 << 14
SKIMMED_MAX = 1 << 25


def judged(known: Provenance, values: Iterable[object]) -> list[str]:
    """Return how each of the values stands in a call that has them all."""
    verdict = judge(TAG, {"names": list(values)}, Question(known))
    return [each.standing for each in verdict.origins]


def calls(run: Callable[[], object], name: str) -> int:
    """Return how often a function of this name is called meanwhile."""
    count = 0

    def note(frame: FrameType, event: str, _: object) -> None:
        nonlocal count
        count += event == "call" and frame.f_code.co_name == name

    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(None)
    return count


def cut(values: int) -> tuple[Provenance, list[str]]:
    """Return a text in quotes that has values thousands of times, and never as a whole."""
    words = [f"w{number}" for number in range(20)]
    known = reading(f'tag "{" ".join(words * 800)} "', "something")
    runs = [" ".join((words * 20)[at : at + size]) for size in range(1, 20) for at in range(20)]
    return known, runs[:values]


def test_many_values_are_looked_at_in_no_more_places_than_few() -> None:
    known, runs = cut(40)
    assert calls(lambda: judged(known, runs), "_beside") <= PLACES_MAX


def test_what_the_effort_of_a_call_does_not_reach_is_not_found_and_the_next_has_its_own() -> None:
    known, runs = cut(40)
    known.read([Source(3, "the user", "check it", "user")])
    assert judged(known, ["check", *runs]) == ["found", *["open"] * 40]
    assert judged(known, [*runs, "check"]) == ["open"] * 41
    assert judged(known, ["check"]) == ["found"]


def test_a_card_says_where_values_come_from_until_its_effort_is_spent() -> None:
    values = [f"zq{number}" for number in range(500)]
    known = reading("tag these", "ab cd ef g. " * 80_000 + " ".join(values))
    verdict = judge(TAG, {"names": values}, Question(known))
    told = [bool(each.where) for each in verdict.origins]
    assert told == sorted(told, reverse=True)
    assert told[0]
    assert sum(told) * 80_000 * 12 <= SKIMMED_MAX


def test_a_card_looks_once_for_a_value_that_is_there_often() -> None:
    known = reading("tag these", *["some text"] * 10, "zq")
    assert calls(lambda: judged(known, ["zq"] * 100), "_untrusted_with") == 1
    verdict = judge(TAG, {"names": ["zq"] * 100}, Question(known))
    assert verdict.shown == {"names": "search, text"}


def test_a_value_in_many_fields_is_found_and_leaves_nothing_for_others() -> None:
    fields = [Source(1, "ids", "ann 5", "system", turn=1) for _ in range(8_000)]
    known = Provenance("me@x.com")
    known.read([*fields, Source(2, "ids", "bob 7 eve", "system", turn=1)])
    assert known.find("5", "system")
    assert known.find("ann", "system")
    assert known.find("ann", "system", 2) is None
    assert [known.find(each, "system") for each in ("bob", "7", "ann eve")] == [None] * 3
    assert known.find("ann", "system")
    assert not known.is_named("ann")
    known.begin()
    assert known.find("bob", "system")
    assert known.find("7", "system")


def test_an_entry_of_more_fields_than_anybody_looks_through_names_nobody() -> None:
    known = reading("invite Sarah Baker", "x")
    texts = {"name": "Sarah Baker", "email": "sb@x.com"} | {f"no{n}": "x" for n in range(2_000)}
    known.read(Source(3, "contacts", texts[each], "directory", each, 1, 1) for each in texts)
    named = [known.is_named("sb@x.com") for _ in range(150)]
    assert (named[0], named[-1]) == (True, False)
    known.begin()
    assert known.is_named("sb@x.com")


def test_an_account_is_sought_only_behind_what_can_begin_one() -> None:
    words = " ".join(f"w{number}" for number in range(100))
    assert calls(lambda: keys(words), "_is_iban") == 100


def test_what_is_spent_stays_spent() -> None:
    effort = Effort()
    assert effort.find("b", "abc") == 1
    assert effort.find("x", "abc") == -1
    assert effort.spend(100)
    assert not effort.spend(1 << 18)
    assert effort.find("b", "abc") == -1
    assert not effort.spend(0)
