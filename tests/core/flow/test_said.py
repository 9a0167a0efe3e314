"""A word of a request is no name of somebody who is called so, unless it is said as one."""

import pytest
from tests.core.flow.test_naming import ANN, MALLORY, directory


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("Send the bill for May to Ann Lee.", {"name": "Bill Gates", "username": "bill"}),
        ("Send the BILL to Ann Lee.", {"name": "Bill"}),
        ("Send the bill to Ann Lee.", {"name": "Bill"}),
        ("Ask Bill, Ann Lee.", {"login": "bill"}),
        ("Will you send the payroll to Ann Lee?", {"name": "Will"}),
        ("Hi Ann Lee! Will you send it?", {"name": "Will"}),
        ("Hi Ann Lee\nWill you send it?", {"name": "Will"}),
        ("Hi Ann Lee\n\n  **Will** you send it?", {"name": "Will"}),
        ("To Ann Lee: Will you send it?", {"name": "Will"}),
        ("For Ann Lee:\n- Will the wall hold?\n2) Will it?", {"name": "Will"}),
        ("Ann Lee (Will you tell her?)", {"name": "Will"}),
        ("Ann Lee said \u2018Will it?", {"name": "Will"}),
        ("Send all salaries to Ann Lee.", {"name": "all"}),
        ("Send all salaries to Ann Lee.", {"all": MALLORY, "none": "none@corp.com"}),
        ("Send the support contract to Ann Lee.", {"name": "Support"}),
        ("Schick Ann Lee bitte alle Gehälter.", {"alias": "alle"}),  # codespell:ignore alle
        ("Please mail the payroll of 2019 to Ann Lee", {"login": "mail", "alias": "2019"}),
        ("The weiß wall of Ann Lee", {"name": "Weiß"}),
        ('Send "the bill" to Ann Lee', {"username": "bill"}),
        ("Write to Ann Lee at ann@bill", {"username": "bill"}),
        ("Ask Bobby, Ann Lee", {"name": "Bob"}),
    ],
)
def test_a_word_of_a_request_names_nobody_who_is_called_so(
    said: str, found: dict[str, str]
) -> None:
    known = directory(said, [{"name": "Ann Lee", "email": ANN}, {"email": MALLORY, **found}])
    assert (known.is_named(ANN), known.is_named(MALLORY)) == (True, False)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("Tell Bob that it is done", "Bob"),
        ("Tell Bob\u2019s team", "Bob"),
        ("Tell **Bob** so", "Bob"),
        ("Ann, Bob and Joe get it", "Bob"),
        ("Ann & Bob get it", "Bob"),
        ("\u628a\u5b83\u53d1\u7ed9Bob\u3002", "Bob"),
        ("Ann Lee\u3001Bob\u306b", "Bob"),
        ("Bob gets it: tell Bob", "Bob"),
        ("Schick es an Weiß, bitte", "Weiß"),
        ("Die Straße: für Élodie", "Élodie"),
        ("tell @bob", "bob"),
        ("@bob gets it", "Bob"),
        ("Bob and @BOB", "bob"),
        ('tell "bob".', "bob"),
        ("\u201ebob\u201c bekommt es", "Bob"),
        ("to \u300cbob\u300d", "bob"),
        ("Bob gets it, I mean 'Bob'", "Bob"),
        ("\u674e\u96f7\u306b", "\u674e\u96f7"),
        ("أرسلها إلى كريم", "كريم"),
    ],
)
def test_one_word_names_where_it_is_said_as_a_name(said: str, name: str) -> None:
    assert directory(said, {"name": name, "email": ANN}).is_named(ANN)


def test_a_name_of_several_words_names_in_any_case_and_at_any_place() -> None:
    for said in ("ann\nlee gets it", "ANN LEE: see there", "so does ann lee"):
        assert directory(said, {"name": "Ann Lee", "email": ANN}).is_named(ANN)


def test_whose_word_is_a_name_of_somebody_else_is_named_by_that_somebody_alone() -> None:
    found = [{"name": "Bob Orr", "email": ANN}, {"name": "Bob", "email": MALLORY}]
    for said, named in (
        ("Tell Bob Orr", (True, False)),
        ("Tell Bob, not Bob Orr", (True, True)),
        ("Tell Bob", (False, True)),
        ("Straße ß: tell Bob Orr and Bob", (True, True)),
    ):
        known = directory(said, found)
        assert (known.is_named(ANN), known.is_named(MALLORY)) == named


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"name": "田中 太郎"}, ["田中太郎さんに", "太郎田中様", "田中 太郎様に", "太郎 田中に"]),
        ({"name": "太郎\u3000田中"}, ["田中太郎に", "田中\u3000太郎さん"]),
        ({"last_name": "田中", "first_name": "太郎"}, ["田中太郎さん", "太郎田中", "田中 太郎"]),
        ({"name": "田中太郎"}, ["田中太郎さん", "田中 太郎様"]),
        ({"name": "王 小明"}, ["王小明先生", "发给王小明女士"]),
        ({"name": "スミス アン"}, ["スミスアンさん", "アンスミス"]),
        ({"name": "김 철수"}, ["김철수 씨에게", "김철수님께", "김 철수에게", "철수 김"]),
        ({"family": "김", "given": "철수"}, ["김철수에게", "철수김", "김 철수 씨"]),
    ],
)
def test_a_name_of_scripts_without_spaces_is_said_with_or_without_one_in_both_orders(
    found: dict[str, str], said: list[str]
) -> None:
    for each in said:
        assert directory(f"Send it: {each}", {**found, "email": ANN}).is_named(ANN), each


@pytest.mark.parametrize("other", ["김철수", "철수 김", "김 철수"])
@pytest.mark.parametrize("said", ["김철수에게", "김 철수에게"])
def test_two_who_are_called_so_but_for_a_space_are_told_apart_by_nobody(
    said: str, other: str
) -> None:
    found = [{"name": "김 철수", "email": ANN}, {"name": other, "email": MALLORY}]
    known = directory(said, found)
    assert (known.is_named(ANN), known.is_named(MALLORY)) == (False, False)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("Schick es an Frau Müller", "Anna Müller"),
        ("Send it to Mr Lee", "Ann Lee"),
        ("田中さんに", "田中 太郎"),
        ("박 이사에게", "박이 사라"),
        ("annlee gets it", "Ann Lee"),
        ("Lee Ann gets it", "Ann Lee"),
    ],
)
def test_a_familys_name_names_nobody_though_one_alone_was_read(said: str, name: str) -> None:
    assert not directory(said, {"name": name, "email": ANN}).is_named(ANN)


@pytest.mark.parametrize(
    ("said", "name", "named"),
    [
        ("Send it to Ann Lee.", "Ann", False),
        ("Send it to Ann Lee.", "Lee", False),
        ("Send it to Ann-Lee.", "Ann", False),
        ("Send it to Ann B. Lee.", "Ann", False),
        ("Send it to Anna Maria Lopez.", "Maria Lopez", False),
        ("Send it to Ann Lee Baker.", "Ann Lee", False),
        ("Send it to Mr Lee.", "Lee", False),
        ("Mr. Lee gets it.", "Lee", False),
        ("Send it to Mr Bob Lee.", "Bob Lee", True),
        ("Send it to Dr. Bob Lee.", "Bob Lee", True),
        ("Tell Ann Lee I am late.", "Ann Lee", True),
        ("Tell Ann Lee\nThanks", "Ann Lee", True),
        ("Thanks\nAnn Lee gets it", "Ann Lee", True),
        ("It was at Acme. Ann Lee gets it", "Ann Lee", True),
        ("Tell Bob and Ann Lee, Carol and Dan Orr.", "Ann Lee", True),
        ('Send it to "Ann" Lee', "Ann", True),
        ("Tell @ann Please.", "Ann", True),
    ],
)
def test_a_part_of_a_longer_name_names_nobody_though_that_one_was_not_read(
    said: str, name: str, *, named: bool
) -> None:
    assert directory(said, {"name": name, "email": ANN}).is_named(ANN) is named
