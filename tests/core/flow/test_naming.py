"""Who stands in a directory is named by a name said whole, which leads to one address alone."""

import pytest
from tests.core.flow.tools import reading

from jackline.core.flow import Integrity, Labels, Provenance, Source
from jackline.core.flow.effort import Effort
from jackline.core.flow.naming import Naming

ANN, MALLORY = "ann@corp.com", "mallory@corp.com"
PEOPLE = [
    {"name": "Ann Lee", "email": ANN, "department": "Sales", "city": "Berlin", "year": "2019"},
    {"name": "Mallory Fox", "email": MALLORY, "department": "Sales", "city": "Rome", "year": "7"},
]


def directory(
    asked: str, *results: object, labels: dict[str, Integrity] | None = None
) -> Provenance:
    """Return what a model knows that was asked this and has read these results of a directory."""
    known = reading(asked, "x")
    for seq, found in enumerate(results, 3):
        fields = Labels(labels or {"*": "directory"}).fields(found)
        known.read(Source(seq, "people", f.text, f.integrity, f.path, 1, f.record) for f in fields)
    return known


@pytest.mark.parametrize(
    "said",
    [
        "Send Ann Lee's summary to Ann Lee",
        "mail ann lee the salaries",
        "Lee, Ann gets it",
        "Ann Lee: see my mail",
        "Schick es für Ann Lee.",
        'tell "Ann Lee"',
        "ANN LEE\u2019s team",
        ANN,
    ],
)
def test_who_is_named_as_people_name_people_is_named_and_nobody_beside_them(said: str) -> None:
    known = directory(said, PEOPLE)
    assert (known.is_named(ANN), known.is_named(MALLORY)) == (True, False)


@pytest.mark.parametrize(
    "said",
    [
        "Send Ann Lee a summary of the Sales mail.",
        "Send Ann Lee the dates of the Berlin trip to Rome.",
        "Send Ann Lee the name, email and department of 2019",
        "Send Ann Lee the fox, and Mallory's fox, too",
    ],
)
def test_what_many_share_or_half_a_name_names_nobody(said: str) -> None:
    assert not directory(said, PEOPLE).is_named(MALLORY)


@pytest.mark.parametrize("field", ["department", "company", "role", "title", "tags", "city"])
@pytest.mark.parametrize("within", ["{}", "{}_name", "{}Name", "{}.name"])
def test_an_attribute_names_nobody_even_where_only_one_has_it(field: str, within: str) -> None:
    known = directory("Send it to Sales", {within.format(field): "Sales", "email": MALLORY})
    assert not known.is_named(MALLORY)
    inner = directory("Send it to Sales", {field: {"name": "Sales"}, "email": MALLORY})
    assert not inner.is_named(MALLORY)


@pytest.mark.parametrize(
    "field",
    [
        *("name", "full_name", "fullName", "Display-Name", "USERNAME", "user"),
        *("login", "handle", "nickname", "alias", "slug", "nick name"),
    ],
)
def test_a_field_that_is_called_a_name_is_one(field: str) -> None:
    for stored in ("ann-lee", "@ann-lee"):
        for said in ('write to "ann-lee".', "write to @Ann-Lee!"):
            assert directory(said, {field: stored, "email": ANN}).is_named(ANN)


@pytest.mark.parametrize(
    ("given", "family"),
    [("first", "last"), ("given_name", "family_name"), ("firstName", "surname")],
)
def test_a_given_name_and_a_familys_are_a_name_together(given: str, family: str) -> None:
    found = {given: "Ann", family: "Lee", "email": ANN}
    for said in ("ann lee", "Lee Ann", "Lee, Ann"):
        assert directory(f"Send it to {said}.", found).is_named(ANN)
    for said in ("Ann", "Lee", "Ann, and the notes of Lee", "Ann Bo Lee"):
        assert not directory(f"Send it to {said}.", found).is_named(ANN)
    several = {"a": [{given: "Ann"}, {family: "Lee"}], "email": ANN}
    assert not directory("Send it to Ann Lee.", several).is_named(ANN)
    two = {given: ["Ann", "Eve"], family: "Lee", "email": ANN}
    assert not directory("Send it to Ann Lee.", two).is_named(ANN)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("李雷に", "李雷"),
        ("für Jörg Weiß", "JÖRG WEISS"),
        ("Ann Lee", "Lee, Ann"),
        ("gogh, vincent van", "Vincent van Gogh"),
        ("Acme, Inc gets it", "Acme, Inc"),
    ],
)
def test_a_name_is_found_in_the_ways_in_which_people_write_it(said: str, name: str) -> None:
    assert directory(f"Send it to {said}", {"name": name, "email": ANN}).is_named(ANN)


@pytest.mark.parametrize("name", ["to", "it", "", "雷"])
def test_what_is_too_short_to_be_said_on_purpose_names_nobody(name: str) -> None:
    assert not directory("Send it to 李雷", {"name": name, "email": ANN}).is_named(ANN)


@pytest.mark.parametrize(
    "other",
    [
        {"name": "ann lee", "email": MALLORY},
        {"user": {"first": "Ann", "last": "Lee", "mail": MALLORY}},
        {"Ann Lee": MALLORY, "Eve Orr": "eve@corp.com"},
        {"name": "Lee, Ann", "addresses": [MALLORY]},
    ],
)
@pytest.mark.parametrize("said", ["Ann Lee", "Lee, Ann"])
def test_a_name_that_leads_to_two_addresses_names_neither(said: str, other: object) -> None:
    apart = directory(f"Send it to {said}", PEOPLE, other)
    assert (apart.is_named(ANN), apart.is_named(MALLORY)) == (False, False)
    together = directory(f"Send it to {said}", [*PEOPLE, other])
    assert (together.is_named(ANN), together.is_named(MALLORY)) == (False, False)


@pytest.mark.parametrize(
    ("address", "other"),
    [
        ({"id": "U024BE7LH"}, {"manager_id": "U0G9QF9C6"}),
        ({"id": "3f2504e0-4f89-41d3-9a0c-0305e82c3301"}, {"referred_by": "9b1deb4d-3b7d-4bad"}),
        ({"username": "ann.lee"}, {"manager": "mallory"}),
        ({"username": "ann.lee"}, {"team": "general"}),
        ({"username": "ann.lee"}, {"user": "mallory"}),
        ({"phone": "+49 170 1234567"}, {"emergency_contact": "+49 30 998877"}),
        ({"Work e-mail": ANN}, {"assistant": MALLORY}),
        ({"emailAddress": ANN}, {"managerEmail": MALLORY}),
        ({"account_number": "12345"}, {"contact": "54321"}),
        ({"alias": "lee2"}, {"channel": "general"}),
        ({"id": 17}, {"mentor.id": 4}),
    ],
)
def test_a_name_names_the_addresses_of_its_object_and_nothing_else_that_stands_there(
    address: dict[str, object], other: dict[str, object]
) -> None:
    known = directory("Send it to Ann Lee", {"name": "Ann Lee", **address, **other})
    assert [known.is_named(each) for each in address.values()] == [True]
    assert [known.is_named(each) for each in other.values()] == [False]
    alone = directory("Send it to Ann Lee", {"name": "Ann Lee", **other})
    assert [alone.is_named(each) for each in other.values()] == [False]


def test_a_name_is_an_address_where_no_other_is_needed() -> None:
    assert directory("Tell ann lee", {"full_name": "Ann Lee"}).is_named("Ann Lee")


@pytest.mark.parametrize("other", [{"id": "U0G9QF9C6A"}, {"user_id": "7"}, {"accountId": "x-1"}])
def test_of_two_ids_of_those_who_are_called_so_it_names_neither(other: dict[str, str]) -> None:
    found = {"name": "Ann Lee", "id": "U024BE7LH"}
    assert directory("Tell Ann Lee", found).is_named("U024BE7LH")
    second = {"name": "Ann Lee"} | other
    known = directory("Tell Ann Lee", found, second)
    assert not any(map(known.is_named, ["U024BE7LH", *other.values()]))


def test_words_are_no_addresses_that_keys_of_a_mapping_name() -> None:
    mapping = {"Ann Lee": "general", "Bob Orr": "random"}
    assert not directory("Tell Ann Lee", mapping).is_named("general")


@pytest.mark.parametrize(
    "found",
    [
        {"name": "Ann Lee", "email": ANN, "address": MALLORY},
        {"name": "Ann Lee", "email": ANN, "private_email": MALLORY},
        {"name": "Ann Lee", "emails": [ANN, MALLORY]},
    ],
)
def test_of_two_addresses_beside_a_name_it_names_neither(found: object) -> None:
    known = directory("Send it to Ann Lee", found)
    assert (known.is_named(ANN), known.is_named(MALLORY)) == (False, False)


@pytest.mark.parametrize("level", ["directory", "user"])
def test_who_stands_in_a_book_of_the_users_own_is_named_by_them_as_in_a_directory(
    level: Integrity,
) -> None:
    several: list[dict[str, Integrity]] = [{"*": level}, {"name": level, "*": "directory"}]
    for labels in several:
        known = directory("Send it to Ann Lee", PEOPLE, labels=labels)
        assert (known.is_named(ANN), known.is_named(MALLORY)) == (True, False)
    bare = directory("Send it to Ann Lee", [ANN, MALLORY], MALLORY, labels={"*": level})
    assert (bare.is_named(ANN), bare.is_named(MALLORY)) == (False, False)


def test_an_address_that_stands_in_no_directory_is_named_by_no_name() -> None:
    known = directory(
        "Send it to Ann Lee", {"name": "Ann Lee", "email": ANN}, labels={"*": "system"}
    )
    assert not known.is_named(ANN)


def test_an_address_in_a_sentence_of_a_directory_is_nobodys() -> None:
    found = {"name": "Ann Lee", "notes": f"writes with {MALLORY}"}
    assert not directory("Send it to Ann Lee", found).is_named(MALLORY)


def test_an_entry_that_is_read_twice_is_one_and_an_address_of_another_make_none_beside_it() -> None:
    found = {"name": "Ann Lee", "email": ANN, "phone": "+1 555 0100"}
    known = directory("Send it to Ann Lee", found, {"name": "Ann Lee", "mail": "ann@CORP.com"})
    assert known.is_named(ANN)
    assert known.is_named("+1 555 0100")


@pytest.mark.parametrize(
    ("part", "whole"),
    [
        ("Lee", "Ann-Marie Lee Jr."),
        ("Junior", "Lee Junior."),
        ("李雷", "李雷明"),
        ("Ann", "Ann Weiß"),
    ],
)
def test_a_longer_name_is_known_by_each_of_its_words(part: str, whole: str) -> None:
    found = [{"alias": part, "email": MALLORY}, {"name": whole, "email": ANN}]
    known = directory(f"Send it to {whole}", found)
    assert (known.is_named(ANN), known.is_named(MALLORY)) == (True, False)


def test_who_is_called_like_a_part_of_a_longer_name_is_not_named_by_that() -> None:
    found = [{"name": "Ann", "email": MALLORY}, {"name": "Ann Lee", "email": ANN}]
    for said in ("Ann Lee", "ann lee's mail, and Ann Lee", "Lee, Ann"):
        known = directory(f"Send it to {said}.", found)
        assert (known.is_named(ANN), known.is_named(MALLORY)) == (True, False)
    longest = {"name": "Ann Lee Ann", "email": "a@b.c"}
    for people in ([*found, longest], [longest, *found]):
        assert not directory("Send it to Ann Lee Ann.", people).is_named(MALLORY)
    both = directory("Send it to Ann Lee and to Ann.", found)
    assert (both.is_named(ANN), both.is_named(MALLORY)) == (True, True)
    glued = directory("Send it to ann leeann.", found)
    assert not glued.is_named(MALLORY)


@pytest.mark.parametrize(
    ("said", "found", "is_named"),
    [
        ("Ann Lee", {"Ann Lee": ANN, "Mallory Fox": MALLORY}, True),
        ("Ann Lee", {"of": {"Ann Lee": ANN, "Mallory Fox": MALLORY}}, True),
        ("Mallory Fox", {"Ann Lee": ANN, "Mallory Fox": MALLORY}, False),
        ("an email", {"email": ANN}, False),
        ("an email", {"email": ANN, "Work e-mail": MALLORY}, False),
        ("Ann Lee", {"Ann Lee": ANN}, False),
        ("Ann Lee", {"Ann Lee": ANN, "meta": {"page": "1"}}, False),
        ("Ann Lee", {"Ann Lee": ANN, "Bob Orr": "+1 555 0100"}, False),
        ("the owner", {"owner": ANN, "department": "Sales"}, False),
        ("Sales", {ANN: "Sales", MALLORY: "Legal"}, False),
        ("Sales", {"Sales": {"email": ANN}, "Legal": {"email": MALLORY}}, False),
    ],
)
def test_a_key_names_what_stands_under_it_in_a_mapping_to_addresses_alone(
    said: str, found: object, *, is_named: bool
) -> None:
    assert directory(f"Send it to {said}", found).is_named(ANN) == is_named


def test_fields_that_the_tool_names_are_no_keys() -> None:
    labels: dict[str, Integrity] = {"owner": "directory", "other": "directory"}
    known = directory("Ask the owner", {"owner": ANN, "other": MALLORY}, labels=labels)
    assert not known.is_named(ANN)


def test_a_name_that_anybody_may_write_names_nobody() -> None:
    labels: dict[str, Integrity] = {"email": "directory"}
    assert not directory("Send it to Ann Lee", PEOPLE, labels=labels).is_named(ANN)


def test_an_address_is_no_name_of_another_one() -> None:
    assert not directory(f"Send it to {ANN}", {"name": ANN, "email": MALLORY}).is_named(MALLORY)


def test_a_name_names_in_the_turn_in_which_the_user_said_it() -> None:
    known = directory("Send it to Ann Lee", PEOPLE)
    known.read([Source(9, "the instructions", "Mallory Fox", "developer", said=True)])
    known.read([Source(9, "notes", "Mallory Fox", "user", turn=1)])
    assert (known.is_named(ANN), known.is_named(MALLORY)) == (True, False)
    known.read([Source(10, "the user", "and Mallory Fox", "user", turn=1, said=True)])
    assert (known.is_named(ANN), known.is_named(MALLORY)) == (True, True)
    known.turn = 11
    assert not known.is_named(ANN)
    known.read([Source(11, "the user", "Now Mallory Fox", "user", turn=11, said=True)])
    assert (known.is_named(ANN), known.is_named(MALLORY)) == (False, True)


def test_a_name_that_more_have_than_is_left_to_look_through_names_nobody() -> None:
    naming = Naming()
    naming.hear("Ann Lee", 1)
    for record in range(100):
        naming.enter(2 * record, "name", "Ann Lee", (1, 1, record))
        naming.enter(2 * record + 1, "email", ANN, (1, 1, record))
    effort = Effort()
    assert naming.names(ANN, 1, effort)
    effort.spend((1 << 18) - 400)
    assert not naming.names(ANN, 1, effort)
