"""Canonical forms: the same value is found however it is written, and nothing else is."""

import datetime as dt
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackline.core.flow import Provenance, Source
from jackline.core.flow.forms import form, keys, plain, value_keys


def said(text: str, value: object) -> bool:
    known = Provenance()
    known.read([Source(1, "the user", text, "user")])
    return known.find(value, "user") is not None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Write to John.Doe@Example.com, please.", "John.Doe@example.COM"),
        ("Titled 'Lunch'.", "Lunch"),
        ("for Sarah\u2019s party", "Sarah"),
        ("the  file\n named foo.txt", "file named foo.txt"),
        ("\u8bf7\u53d1\u7ed9\u5f20\u4e09\u3002", "\u5f20\u4e09"),
        ("to Z\u00fcrich Airport", "Z\u00fcrich  Airport"),
        ("pay $30,000.00 now", 30000),
        ("it was 98.70 in all", 98.7),
        ("es kostet 1.200,50 EUR", 1200.5),
        ("pay 1,200.125 now", 1200.125),
        ("pay 1,234,567 now", 1234567),
        ("es sind 1.234.567 Euro", 1234567),
        ("take 0.125 of it", 0.125),
        ("take 0,125 of it", 0.125),
        ("pay 30,000 now", "30,000"),
        ("pay 30000 now", 30000.0),
        ("take 1.5 of it", 1.5),
        ("take 5 kilos and 7 kg", 5),
        ("at 10:30 UTC", "10:30Z"),
        ("on 2024-05-19 at 10:30 am gmt", "2024-05-19T10:30Z"),
        ("at 10:30 est-ce bon", "10:30"),
        ("at 10:30 at the west gate", "10:30"),
        ("take 1.5000 of it", 1.5),
        ("2,5 litres", 2.5),
        ("a loss of -5", -5),
        ("it is -0", 0),
        ("+7 points", 7),
        ("event 24", "24"),
        ("event 24", 24),
        ("it is 98.70", "98.7"),
        ("on 2024-05-19 at 12:00", "2024-05-19 12:00"),
        ("on May 19th, 2024 at 6 PM", "2024-05-19 18:00"),
        ("on 19 May 2024, 12 am", "2024-05-19 00:00"),
        ("the 14th of November 2024", "2024-11-14"),
        ("from January 11th to January 15th 2025", "2025-01-11"),
        ("am 19.05.2024", "2024-05-19"),
        ("on May 30, June 1 2024", "2024-06-01"),
        ("call +4412345678", "+4412345678"),
        ("call +4412345678", 4412345678),
        ("account 007", "007"),
        ("pay $30,000.00 now", "30000.00"),
        ("take 5, 100 or 200", 5),
        ("take 5 or 1000 200", 1000),
        ("see *https://a.com/x*", "https://a.com/x"),
        ("on May 30 June 1 2024", "2024-06-01"),
        ("on 1 May 2 June 2024", "2024-05-01"),
        ("on 5/19/2024", "2024-05-19"),
        ("see _https://a.com/x_", "https://a.com/x"),
        ('see "https://a.com/x" or b', "https://a.com/x"),
        ('see "https://a.com/x."', "https://a.com/x"),
        ('say "look at https://a.com/x"', "https://a.com/x"),
        ("see \u201ehttps://a.com/x\u201c", "https://a.com/x"),
        ("take 5, 1/2 of it is mine", 5),
        ("room 5 1/2/2024", 5),
        ("take 5 x a day", 5),
        ("take 100 m of cable", 100),
        ("pay 50,-", 50),
        ("pay 50.\u2013 to bob", "50"),
        ("close #3", 3),
        ("close #3, please", "3"),
        ("see [it](https://a.com/x)", "https://a.com/x"),
        ("see [all of it](https://a.com/x).", "https://a.com/x"),
        ("on 05.05.2024", "2024-05-05"),
        ("at 2024-05-15T11:00:30Z", "2024-05-15 11:00:30z"),
        ("at 6pm", "18:00"),
        ("at 6 p.m.", "6 pm"),
        ("on 19 May 2024 at 6 p.m.", "2024-05-19 6 pm"),
        ("see (HTTPS://Example.com:443/a/), yes", "https://example.com/a/"),
        ("see http://a.com/x%20y?q=1#top", "http://a.com/x y?q=1#top".replace(" ", "%20")),
        ("see http://me:pw@a.com:8080", "http://me:pw@a.com:8080/"),
        ("my IBAN GB29 NWBK 6016 1331 9268 19 for it", "GB29NWBK60161331926819"),
        ("to US122000000121212121212", "US12 2000 0001 2121 2121 212"),
        ("チケット118を閉じてください", "118"),
        ("チケット118を閉じてください", 118),
        ("关闭第118号工单", 118),
        ("118번 티켓을 닫아 줘", "118"),
        ("5個を注文", 5),
        ("会議は2026年12月4日です", "2026-12-04"),
        ("会議は2026年12月4日 14:30に", "2026-12-04T14:30"),
        ("2026년 12월 4일에 만나요", "2026-12-04"),
    ],
)
def test_one_value_is_found_in_the_other_writing(text: str, value: object) -> None:
    assert said(text, value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("to john.doe@example.com", "doe@example.com"),
        ("to john@example.com", "example.com"),
        ("visit example.com.evil.org", "example.com"),
        ("the Dental check-up", "check"),
        ("on June 13", "13"),
        ("on June 13", 13),
        ("at 13:00", "13"),
        ("13 o'clock and 13.5", 3),
        ("1,300", 300),
        ("pay 10 to bob", "10.000"),
        ("pay 10 to bob", "10,000"),
        ("pay 10.000 to bob", 10),
        ("pay 10.000 to bob", 10000),
        ("pay 10.000 to bob", "10"),
        ("pay 1.500 Euro", 1.5),
        ("pay 1,500 dollars", 1500),
        ("pay $30,000", 30000),
        ("take 0,125 of it", 125),
        ("take 0,125,000 of it", 125000),
        ("pay 1.234.5", 1234.5),
        ("pay -1,500", -1500),
        ("on 05/06/2024", "2024-05-06"),
        ("on 05/06/2024", "2024-06-05"),
        ("on May 19th", "2024-05-19"),
        ("on 2024-05-19", "2024-05-19 12:00"),
        ("meet at 10:30", "10:30 && rm -rf /data"),
        ("meet at 10:30", "10:30 eve@evil.example"),
        ("meet at 5 pm", "5pm /etc/passwd"),
        ("meet at 10:30", "10:30am pm"),
        ("on 2024-05-19 at 10:00", "2024-05-19 10:00Z"),
        ("on 2024-05-19T10:00:00Z", "2024-05-19 10:00"),
        ("2024-02-31", "2024-02-31x"),
        ("from May 19 2024 to June 3 2025", "2025-05-19"),
        ("from May 19 2024 to June 3 2025", "2024-06-03"),
        ("May 1 2024, June 3 2025 and October 5", "2024-10-05"),
        ("on May 30, June 1 2024", "2024-06-30"),
        ("pay 1 000 000 to bob", 1),
        ("pay 1 000 000 to bob", 0),
        ("pay 1 234 567", "234"),
        ("pay 12 345,50 to bob", 12),
        ("pay \u20ac12 345", "12"),
        ("pay 5 million", 5),
        ("pay 5 thousand", "5"),
        ("5 Millionen Euro", 5),
        ("5 millones", 5),
        ("5 \u4e07\u5143", 5),
        ("5 \u043c\u043b\u043d", 5),
        ("call 4412345678", "+4412345678"),
        ("call 4412345678", "4412345678.0"),
        ("account 007", "+7"),
        ("account 007", "7.0"),
        ("account 007", 7),
        ("account 12345", "12,345.00"),
        ("account +12345", "12345.0"),
        ("on May 30 June 1 2024", "2024-06-30"),
        ("call 007", "7"),
        ("see https://a.com/x", "https://a.com/"),
        ("see https://a.com/x\u2026", "https://a.com/x"),
        ("see https://a.com/x...", "https://a.com/x"),
        ("see https://a.com/x_", "https://a.com/x"),
        ("see https://a.com/x~", "https://a.com/x"),
        ('see "https://a.com/x y"', "https://a.com/x"),
        ("see 'https://a.com/x y'", "https://a.com/x"),
        ("take 5 1/2 of it", 5),
        ("take 5 1/2 of it", "5"),
        ("take 5 \u00bd of it", 5),
        ("take 5 x 1000", 5),
        ("take 5 \u00d7 1000", 5),
        ("take 5 * 1000", 5),
        ("take 5 x1000", 5),
        ("take 5k", 5),
        ("take 5m", 5),
        ("take 5 mn", 5),
        ("take 5 k", 5),
        ("pay 5 kEUR", 5),
        ("pay 5 Cr", 5),
        ("pay 5 bilh\u00f5es", 5),
        ("pay 5 tysi\u0119cy", 5),
        ("pay 5 tys. z\u0142", 5),
        ("pay 5 miljoner", 5),
        ("pay 5 milyar", 5),
        ("pay 5 juta", "5"),
        ("pay 5 tri\u1ec7u", 5),
        ("pay 5 \u0623\u0644\u0641", 5),
        ("take 5 X 1000", 5),
        ("at 10:30 Z", "10:30"),
        ("at 10:30 (UTC)", "10:30"),
        ("at 10:30 UTC+2", "10:30"),
        ("at 10:30 +02:00", "10:30"),
        ("at 10:30 am EST", "10:30"),
        ("at 10:30 PT", "10:30"),
        ("on 2024-05-19T10:30 GMT", "2024-05-19T10:30"),
        ("on 2024-05-19T10:30 CEST", "2024-05-19T10:30"),
        ("call #+3", 3),
        ("take 5- or 7", 5),
        ("take 5,-7", 5),
        ("see [https://a.com](https://b.com)", "https://b.com"),
        ("see [it](https://a.com/x\u2026)", "https://a.com/x"),
        ("see [it](<https://a.com/x y>)", "https://a.com/x"),
        ("see https://a.com/x", "https://a.com/X"),
        ("see https://a.com/x", "https://a.com/x/"),
        ("see https://a.com/a/b", "https://a.com/a%2Fb"),
        ("see https://a.com/x", "https://a.com./x"),
        ("see https://kelvin.com", "https://\u212aelvin.com"),
        ("see https://a.com\\@b.com", "https://a.com\\@B.com"),
        ("see https://strasse.de", "https://stra\u00dfe.de"),
        ("mail bob@strasse.de", "bob@stra\u00dfe.de"),
        ("mail bob@strasse.de", "bob@\u017ftrasse.de"),
        ("mail bob@x.com", "Bob@x.com"),
        ("mail i@x.com", "\u0131@x.com"),
        ("delete /home/bob@X.com", "/home/bob@x.com"),
        ("delete the file", "The file"),
        ("named \uff46oo", "foo"),
        ("take 5", "\uff15"),
        ("take \uff15", 5),
        ("on \u0662\u0660\u0662\u0664-05-19", "2024-05-19"),
        ("at \u0661:30", "1:30"),
        ("to Zu\u0308rich", "Z\u00fcrich"),
        ("see https://a.com", "https://a.com.evil.org"),
        ("see http://a.com", "https://a.com"),
        ("list the files", "list; files"),
        ("list files", "list; files"),
        ("abc", "b"),
        ("it is true", True),
        ("null and None", None),
        ("{}", {}),
        ("x", ""),
        ("...", "..."),
        ("GB29 NWBK 6016 1331 9268 19", "6016"),
        ("a" * 5_000, "a" * 5_000),
        *[
            (text, 5)
            for text in (
                *("5万円", "5千を", "3万5を", "三百5を", "3分の5を", "5分の1を", "5割", "3割5を"),
                *("5円50銭", "5個半を", "118の5の3", "5만 원", "5천원을", "2.5を", "-5を", "x5を"),
                *("3点5を", "5ダースを", "5倍を", "12025年12月5日", "2026年13月5日"),
            )
        ],
        ("2026年12月4日に", "12"),
        ("2026年12月4日に", 2026),
        ("12026年12月4日に", "2026-12-04"),
        ("2026年2月30日に", "2026-02-28"),
    ],
)
def test_what_only_looks_alike_is_not_found(text: str, value: object) -> None:
    assert not said(text, value)


@pytest.mark.parametrize(
    "text",
    [
        *("may", "of may", "may 32nd", "2024-13-01 25:00", "13 pm 0 am x am", "1:2:3:4 9:xx"),
        *("http://[::1 http://a:b:c", "12,34,5 1,23.4 12,345,67", "gb29 nwbk 6016", "\u0661\u0662"),
        *(
            "9" * 50,
            f"{'9' * 5_000}-1-1",
            f"1-1-{'9' * 5_000}",
            "2024-05-19tx",
            "of",
            "1.2.3",
            "-",
            "+",
            "1/1/1",
            "5,",
            "ab12",
        ),
    ],
)
def test_odd_writing_has_no_key_of_a_date_or_an_account(text: str) -> None:
    assert not [kind for kind, _ in keys(plain(text)) if kind in {"date", "time", "iban"}] or (
        text.startswith(("2024", "1"))
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (math.inf, (("number", "inf"),)),
        (1e300, (("number", "1e+300"),)),
        (10**30, (("number", str(10**30)),)),
        pytest.param(-(10**400), (("number", str(-(10**400))),), id="no float holds it"),
        ("2024-05-19 noon", ()),
        ("12:61", ()),
        ("x:y", ()),
        ("http://[::1", (("url", "http://[::1/"),)),
        ("9://x", (("url", "9://x"),)),
        ([1], ()),
    ],
)
def test_a_value_that_no_text_could_have_is_itself(value: object, expected: object) -> None:
    assert value_keys(value) == expected


@given(st.text(), st.text())
def test_a_form_is_a_fixed_point_and_reading_never_fails(text: str, more: str) -> None:
    assert plain(plain(text)) == plain(text) or not text.isascii()
    keys(plain(f"{text} {more}"))
    assert all(token in form(text).spaced for token in form(text).tokens)


def test_dates_are_as_many_as_were_written_and_not_each_day_of_each_year() -> None:
    days = ", ".join(f"{month} {day}" for month in ("May", "July") for day in range(1, 31))
    years = " ".join(f"{year}-01-01" for year in range(1000, 1500))
    assert len([kind for kind, _ in keys(f"{days}, {years}") if kind == "date"]) == 500
    assert len([kind for kind, _ in keys(f"{days}, 2024-01-01") if kind == "date"]) == 61


_MORE = st.text(max_size=70) | st.sampled_from(["am", "p.m.", "z", "0", "00:00", "10:30", "x"])


@given(
    st.one_of(
        st.sampled_from(["0:15", "13:30", "23:59:30", "13:30z", "9 am", "9:00pm", "5 p.m."]),
        st.sampled_from(["2024-05-19", "2024-05-19T14:00", "19.5.2024 2 pm", "7", "-1.5", "007"]),
        st.sampled_from(["https://a.com", "http://a.com/x", "GB29 NWBK 6016 1331 9268 19"]),
    ),
    st.sampled_from([" ", "\t", "\n", "; ", " && ", " | ", ", ", ";", "|", "\u00a0"]),
    _MORE.filter(str.strip),
)
def test_a_value_with_anything_behind_it_is_another(value: str, sign: str, more: str) -> None:
    assert value_keys(value)
    assert value_keys(f"{value}{sign}{more}") != value_keys(value)


@given(st.dates(min_value=dt.date(1000, 1, 1)), st.times())
def test_every_date_and_time_is_found_as_iso_writes_it(day: object, time: object) -> None:
    moment = f"{day} {str(time)[:5]}"
    assert said(f"Be there on {moment}.", moment)


@given(st.integers(-(10**12), 10**12))
def test_every_whole_number_is_found_with_and_without_groups(number: int) -> None:
    assert said(f"exactly {number} of them", number)
    assert said(f"exactly {number:,} of them", number) is (f"{number:,}".count(",") != 1)


@given(st.floats(-1e12, 1e12))
def test_a_typed_number_is_itself_alone(number: float) -> None:
    (key,) = value_keys(number)
    assert key == ("number", str(number)) or float(key[1]) == number
