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
