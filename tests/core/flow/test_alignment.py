"""A value is found as a whole only: no part of a path, of an address or of what is quoted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.flow.tools import reading


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
        ("Ann (ann@x.com) and more", "Ann (ann@x.com) and"),
        ("rechecks, then check it", "check"),
        ("\u8bf7\u53d1\u7ed9\u5f20\u4e09\u3002", "\u5f20\u4e09"),
        ("take 1,000 of it", "1,000"),
        ("well,then", "then"),
        ("see e.g.- that", "that"),
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
        ("fetch x.com/a?b=1", "x.com/a"),
        ("take 1,000,000 of it", "1,000"),
        ("take 1,000,000 of it", "000,000"),
        ("rechecks, then check-up", "check"),
        ("rechecks, the check\\it", "check"),
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
