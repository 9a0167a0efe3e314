"""An index over all that was read: positive, incremental, and bounded where it may be."""

from hypothesis import given
from hypothesis import strategies as st
from tests.core.flow.tools import reading, with_entry

from jackline.core.flow import Provenance, Source


def test_the_most_trusted_place_is_the_best_and_an_untrusted_one_is_better_than_none() -> None:
    known = reading("about bob@x.com", "eve@evil.com said", "bob@x.com said")
    known.read([Source(5, "ids", "bob@x.com", "system")])
    best = known.best("bob@x.com")
    assert best is not None
    assert (best.integrity, best.seq) == ("user", 1)
    worst = known.best("EVE@evil.com")
    assert worst is not None
    assert (worst.name, worst.path, worst.integrity) == ("search", "text", "untrusted")
    assert known.best("nobody") is None


def test_a_floor_is_held() -> None:
    known = with_entry(reading("hello"), "Sarah Baker", "sb@x.com")
    assert known.find("sb@x.com", "directory")
    assert known.find("sb@x.com", "system")
    assert known.find("sb@x.com", "user") is None


def test_a_turn_counts_only_what_was_said_in_it() -> None:
    known = reading("write to bob@x.com")
    known.read([Source(9, "the user", "and to ann@x.com", "user", turn=9, said=True)])
    assert known.turn == 9
    assert known.find("bob@x.com", "user")
    assert known.find("bob@x.com", "user", 9) is None
    assert known.strangers(["bob@x.com", "ann@x.com"]) == []
    known.restrict(None)
    assert known.strangers(["bob@x.com", "ann@x.com"]) == ["bob@x.com"]


def test_nothing_private_has_no_strangers_and_its_owner_never_is_one() -> None:
    known = reading("hello")
    known.restrict(None, private=False)
    assert known.strangers(["eve@evil.com"]) == []
    known.restrict(frozenset())
    assert known.strangers(["me@X.com", "eve@evil.com"]) == ["eve@evil.com"]


def test_what_a_tool_keeps_to_some_goes_to_nobody_else_even_if_the_user_names_them() -> None:
    known = reading("send it to bob@x.com and ann@x.com")
    known.restrict(frozenset(["bob@X.com", "ann@x.com"]), private=False)
    known.restrict(frozenset(["bob@x.com", "joe@x.com"]))
    assert known.strangers(["bob@x.com", "ann@x.com", "joe@x.com"]) == ["ann@x.com", "joe@x.com"]


def test_an_entry_of_a_directory_is_named_by_another_field_of_it() -> None:
    known = with_entry(reading("invite Sarah Baker", "x"), "Sarah Baker", "sb@x.com")
    with_entry(known, "Eve", "eve@evil.com", record=2)
    assert known.is_named("sb@x.com")
    assert not known.is_named("eve@evil.com")
    known.read([Source(4, "ids", "joe@x.com", "system", turn=1)])
    assert not known.is_named("joe@x.com")


def test_a_name_of_two_letters_names_nobody() -> None:
    assert not with_entry(reading("send it to me", "x"), "me", "eve@evil.com").is_named(
        "eve@evil.com"
    )


def test_an_endorsed_value_is_endorsed_for_this_argument_of_this_tool() -> None:
    known = reading("hello")
    known.endorse("pay", "accounts", ["A1", {"n": 5}])
    assert known.is_endorsed("pay", ("accounts",), "A1")
    assert known.is_endorsed("pay", ("accounts", "#"), "n")
    assert known.is_endorsed("pay", ("accounts", ".n"), 5.0)
    assert not known.is_endorsed("pay", ("accounts",), 5.0)
    assert not known.is_endorsed("pay", ("accounts", ".n"), "A1")
    assert not known.is_endorsed("pay", ("accounts",), value=True)
    assert not known.is_endorsed("pay", ("accounts",), 2**60)
    assert not known.is_endorsed("pay", ("to",), "A1")
    assert not known.is_endorsed("refund", ("accounts",), "A1")


def test_untrusted_text_taints_for_good_and_only_its_newest_megabyte_is_searched() -> None:
    known = reading("hello", "first " + "x" * (1 << 19))
    assert known.tainted
    assert known.best("first")
    known.read([Source(3, "search", "y" * (1 << 20))])
    assert known.best("first") is None
    assert known.best("yyy")
    known.read([])
    assert known.tainted


def test_what_was_looked_up_before_is_found_once_it_was_said() -> None:
    known = reading("hello")
    for number in range(600):
        assert known.find(f"word{number}", "user") is None
    assert known.find(599, "user") is None
    known.read([Source(5, "the user", "word599 and 599", "user")])
    assert known.find("word599", "user")
    assert known.find(599, "user")


@given(st.lists(st.text(min_size=1, max_size=20), max_size=8), st.text(min_size=1, max_size=20))
def test_reading_piece_by_piece_is_reading_the_whole(texts: list[str], value: str) -> None:
    sources = [Source(at, "the user", text, "user") for at, text in enumerate(texts)]
    whole, pieces = Provenance(), Provenance()
    whole.read(sources)
    for source in sources:
        pieces.read([source])
    assert whole.find(value, "user") == pieces.find(value, "user")


@given(st.text(max_size=60), st.text(max_size=60), st.text(min_size=1, max_size=12))
def test_nothing_that_only_untrusted_text_has_is_ever_found(
    asked: str, hostile: str, value: str
) -> None:
    bare, exposed = reading(asked), reading(asked, hostile, value, f"{asked}{value}")
    assert exposed.find(value, "system") == bare.find(value, "system")
