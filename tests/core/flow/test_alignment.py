"""A value is found as a whole only: no part of a path, of an address or of what is quoted."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.flow.tools import reading

from jackline.core.flow.alignment import Quotes


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("delete /home/ann/old, please", "/home/ann/old"),
        ('delete "/home/ann/old reports" now', "/home/ann/old reports"),
        ("delete /home/ann/old reports", "/home/ann/old reports"),
        ('take {"path": "/home/ann/old"}', "/home/ann/old"),
        ('put "a" beside /home/ann/old', "/home/ann/old"),
        ('put /home/ann/old beside "a"', "/home/ann/old"),
        ('name it /a "b c" d', '/a "b c" d'),
        ("delete **/home/ann/old**.", "/home/ann/old"),
        ("delete C:\\Users\\ann.", "C:\\Users\\ann"),
        ("delete '/home/ann/old'", "/home/ann/old"),
        ("Users: all in C:\\Users", "Users"),
        ("write to o'brien@x.com", "o'brien@x.com"),
        ("write to Bob <bob@x.com>,<ann@x.com>", "ann@x.com"),
        ("use bob@x.com's box", "bob@x.com"),
        ("he said 'mail bob@x.com'!", "bob@x.com"),
        ("bob@x.com and Ann", "bob@x.com and Ann"),
        ("\u53d1\u7ed9li@x.com\uff0c\u8c22\u8c22", "li@x.com"),
        ("\u53d1\u5230li@X.com\u8c22\u8c22", "li@x.com"),
        ("\u53d1\u5230li@x.com\u3002\u8c22\u8c22", "li@x.com"),
        ("\u90ae\u7bb1\uff1ali@x.com", "li@x.com"),
        ("Li\uff08li@x.com\uff09", "li@x.com"),
        ("\u300cli@x.com\u300d\u306b\u9001\u3063\u3066", "li@x.com"),
        ("li@x.com\uc5d0\uac8c \ubcf4\ub0b4", "li@x.com"),
        ("\u0e2a\u0e48\u0e07li@x.com\u0e14\u0e49\u0e27\u0e22", "li@x.com"),
        ("mail it (to:li@x.com)", "li@x.com"),
        ("mail it to mailto:li@x.com.", "li@x.com"),
        ("mail it to Li\u2014li@x.com\u2014please", "li@x.com"),
        ("mail it to li@x.com\u2026", "li@x.com"),
        ("mail it to _li@x.com_, please", "li@x.com"),
        ("**Mail li@x.com and ann@x.com**", "li@x.com"),
        ("_Li_: <li@x.com>", "li@x.com"),
        ("mail it to _li@x.com", "_li@x.com"),
        ("delete .profile and report.", ".profile"),
        ("delete .profile and report.", "report"),
        ("mail it to li@x.com\U0001f44d", "li@x.com"),
        ("mail it to li@x.com\u2764\ufe0f\U0001f44d.", "li@x.com"),
        ("mail it to \u201cli@x.com\u201d", "li@x.com"),
        ("Ann (ann@x.com) and more", "Ann (ann@x.com) and"),
        ("rechecks, then check it", "check"),
        ("\u8bf7\u53d1\u7ed9\u5f20\u4e09\u3002", "\u5f20\u4e09"),
        ("take 1,000 of it", "1,000"),
        ("well,then", "then"),
        ("see e.g.- that", "that"),
        ('delete "budget final.xlsx" now', "budget final.xlsx"),
        ('title it "Lunch."', "Lunch"),
        ("delete \u00bbbudget final.xlsx\u00ab", "budget final.xlsx"),
        ("\u5220\u9664\u300c\u65e7 \u62a5\u544a\u300d", "\u65e7 \u62a5\u544a"),
        ('buy a 24" screen for Ann and a 27" one', "Ann"),
        ("ask Ann (see below)", "Ann"),
        ("ask (Ann) or [Bob].", "Bob"),
        ("ask **Ann** and *Bob*", "Ann"),
        ("ask **Ann** and *Bob*.", "Bob"),
        ("**Write to Ann**, please", "Ann"),
        ("**Write to Ann**, please", "Write"),
        ("ask $data or data", "data"),
        ("ask Ann! Or Bob", "Ann"),
        ('take {"to": "Ann"}', "Ann"),
        ("give 50% to Ann", "Ann"),
        ("\u5206\u7ed9\u5f20\u4e09 50%\u7ed9\u674e\u56db", "\u674e\u56db"),
        ("ask Ann(1) or Ann", "Ann"),
        ("\u8bf7\u770b\u62a5\u544a(1)", "\u62a5\u544a"),
    ],
)
def test_a_whole_is_found(text: str, value: str) -> None:
    assert reading(text).find(value, "user")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('delete "/home/ann/old reports"', "/home/ann/old"),
        ("delete '/home/ann/old reports'", "/home/ann/old"),
        ("delete `my old/reports of it`", "old/reports"),
        ("delete \u201cold/reports of it\u201d", "old/reports"),
        ("delete /home/ann/old~", "/home/ann/old"),
        ("delete /home/ann/old*", "/home/ann/old"),
        ("delete /home/ann/old/", "/home/ann/old"),
        ("delete /home/ann/old...", "/home/ann/old"),
        ("delete ~/old", "/old"),
        ("delete ./old", "/old"),
        ("delete /home/ann/old,new", "/home/ann/old"),
        ("delete C:\\Users\\ann", "Users"),
        ("delete C:\\Users\\ann", "ann"),
        ("delete C:\\Users\\ann", "C:\\Users"),
        ("write to o'brien@x.com", "brien@x.com"),
        ("write to a=bob@x.com", "bob@x.com"),
        ("write to bob@x.com?to=eve", "bob@x.com"),
        ("write to bob@x.com/eve", "bob@x.com"),
        ("write to li@x.com\u3002cn", "li@x.com"),
        ("write to li@x.com\uff0ecn", "li@x.com"),
        ("write to li@x.co\U0001f44d.ws", "li@x.co"),
        ("write to li@x.co\U0001f44d\U0001f44dm.ws", "li@x.co"),
        ("write to \U0001f44dli@x.com", "li@x.com"),
        ("write to li@x.com.cn\uff0c", "li@x.com"),
        ("write to o\u2019brien@x.com", "brien@x.com"),
        ("write to \u00e9li@x.com", "li@x.com"),
        ("write to a.li@x.com", "li@x.com"),
        ("write to _li@x.com", "li@x.com"),
        ("write to (_li@x.com)", "li@x.com"),
        ("write to li@x.com_", "li@x.com"),
        ("delete .profile", "profile"),
        ("delete '.profile'", "profile"),
        ("delete ..profile", "profile"),
        ("write to li@x.com\u00e9", "li@x.com"),
        ("clone git@x.com:li", "git@x.com"),
        ("clone git@x.com:li", "git"),
        ("/home/\u5f20bob@x.com", "bob@x.com"),
        ("fetch x.com/a?b=1", "x.com/a"),
        ("take 1,000,000 of it", "1,000"),
        ("take 1,000,000 of it", "000,000"),
        ("rechecks, then check-up", "check"),
        ("rechecks, the check\\it", "check"),
        ('delete "budget final.xlsx" now', "final.xlsx"),
        ('delete "budget final.xlsx" now', "budget"),
        ("delete `budget final.xlsx`, please", "final.xlsx"),
        ("delete 'Ann's budget final.xlsx'", "final.xlsx"),
        ("delete \u00bbbudget final.xlsx\u00ab", "final.xlsx"),
        ("delete \u00ab budget final.xlsx \u00bb", "final.xlsx"),
        ("\u5220\u9664\u300c\u65e7 \u62a5\u544a\u300d", "\u62a5\u544a"),
        ('a 24" disk and "budget final.xlsx"', "final.xlsx"),
        ("delete report(1).pdf", "report"),
        ("delete report(1).pdf", "pdf"),
        ("delete report[1]", "report"),
        ("delete tmp{1,2}", "tmp"),
        ("delete tmp*", "tmp"),
        ("delete *tmp", "tmp"),
        ("delete a*b", "b"),
        ("delete a~b", "b"),
        ("delete tmp~", "tmp"),
        ("delete tmp**x", "tmp"),
        ("delete *tmp*x", "tmp"),
        ("drop prod$data", "data"),
        ("drop $data", "data"),
        ("drop %data%", "data"),
        ("drop like data%", "data"),
        ('drop like "data"%', "data"),
        ("drop {data}", "data"),
        ("drop {data,more}", "data"),
        ("drop {more,data}", "data"),
        ("drop !data", "data"),
        ("drop !(data)", "data"),
        ("drop ^data", "data"),
        ("drop data^", "data"),
        ("fetch https://x.com/a*", "https://x.com/a"),
    ],
)
def test_a_part_is_not_found(text: str, value: str) -> None:
    assert reading(text).find(value, "user") is None


@given(
    st.text("ab/\\@'.", max_size=12),
    st.text("ab/\\@'", min_size=1, max_size=3),
)
def test_what_a_path_goes_on_with_makes_it_another(path: str, more: str) -> None:
    known = reading(f"delete /x{path}x{more}a now")
    assert known.find(f"/x{path}x", "user") is None
    assert known.find(f"x{more}a", "user") is None


def test_a_value_that_comes_after_more_parts_than_anybody_looks_through_is_not_found() -> None:
    assert reading(f"{'rechecks ' * 1_000}check").find("check", "user")
    assert reading(f"{'rechecks ' * 20_000}check").find("check", "user") is None


@pytest.mark.parametrize("text", ["{}check", "check{}", "see {}check and", "see check{} and"])
def test_a_value_in_a_longer_word_than_anybody_writes_is_not_found(text: str) -> None:
    assert reading(text.format("'" * 99)).find("check", "user")
    assert reading(text.format("'" * 5_000)).find("check", "user") is None


@pytest.mark.parametrize(
    "unit", ["\u201c", "\u201e", "\u00ab ", "\u2018", "'a ", '"', "\u201c\u00ab"]
)
def test_quotes_are_sought_once_for_each_that_opens(unit: str) -> None:
    searches = list[str]()

    def note(_frame: object, event: str, called: object) -> None:
        if event == "c_call" and getattr(called, "__name__", "") == "search":
            searches.append(event)

    sys.setprofile(note)
    try:
        Quotes(unit * 500)
    finally:
        sys.setprofile(None)
    assert len(searches) <= 500 * len(unit) + 3


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ('see "an old {} here" now', True),
        ("see 'Ann's old {} here' now", True),
        ('see "{}" now', False),
        ('see {} "now" and "then"', False),
        ('see "now" {} "then"', False),
        ('see 24" and 27" {} 24"', False),
        ('see "an old 24" {} 24"', False),
        ("see \u201ean old {} here\u201c now", True),
        ("see \u201cit {} \u201c here", False),
    ],
)
def test_what_stands_in_quotes_beside_more_is_a_part(text: str, cut: bool) -> None:  # noqa: FBT001 - the case
    start = text.index("{}")
    assert Quotes(text.format("it")).cut(start, start + 2) is cut
