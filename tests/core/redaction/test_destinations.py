"""A link leads where the agent allows it, or where somebody named it, letter by letter."""

import pytest

from jackline.core.errors import DefinitionError
from jackline.core.events import Finding
from jackline.core.guards import ALLOW, Audience, Guard
from jackline.core.redaction import Links, Named

HOSTS = Links(["good.example", "*.wide.example"])


@pytest.mark.parametrize(
    "url",
    [
        "https://good.example",
        "HTTPS://GOOD.example/a?b#c",
        "http://good.example:8080/a",
        "//good.example/a",
        "https://a.wide.example/",
        "https://a.b.wide.example",
        "https://good.example/a\\b",
    ],
)
def test_a_host_of_the_agent_passes(url: str) -> None:
    assert HOSTS.judge("output", f"See [it]({url}).") is ALLOW


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example",
        "https://good.example.evil.example",
        "https://evilgood.example",
        "https://wide.example",
        "https://evilwide.example",
        "https://good.example@evil.example/",
        "https://evil.example/good.example",
        "https://evil.example#good.example",
        "https://evil.example?good.example",
        "https:///good.example/",
        "https://good.example\\@evil.example",  # A browser ends the host there, others go on.
        "https:\\\\good.example/a",  # Markdown takes one of the two away.
        "https://good.example:443\\evil.example",
        "https://evil.example%2f.wide.example/",
        "https://evil.example;.wide.example",
        "https://evil.example\u2044.wide.example/",
        "https://evil.example&Tab;.wide.example",
        "https://user@good.example/",
        "https://[good.example]/",
        "https://good.example%2eevil.example",
        "https://gооd.example",  # noqa: RUF001 - the two letters are Cyrillic, and that is the trick
        "javascript://good.example/%0aalert(1)",
        "data:text/html,good.example",
        "ftp://good.example/a",
        "javascript:alert(1)",
    ],
)
def test_any_other_place_is_withheld(url: str) -> None:
    verdict = HOSTS.judge("output", f"See [it]({url}) now.")
    assert verdict.decision == "redact"
    assert verdict.text == "See [it](#link-withheld) now."


def test_what_was_withheld_is_told_with_its_place() -> None:
    verdict = Links().judge("output", "a https://evil.example b")
    assert verdict.findings == (Finding("link", 2, 22),)
    assert Links().judge("output", "Nothing at all, not here/there.") is ALLOW


def test_a_stream_says_what_the_whole_does() -> None:
    text = "See https://good.example/a, ![](https://evil.example/?q=1) and www.wide.example."
    verdict = HOSTS.judge("output", text)
    for size in (1, 3, 7, 100):
        stream = HOSTS.stream()
        pieces = [text[at : at + size] for at in range(0, len(text), size)]
        assert "".join([*map(stream.feed, pieces), stream.finish()]) == verdict.text


def test_what_is_hidden_or_too_long_is_withheld_of_a_host_of_the_agent_too() -> None:
    long = "https://good.example/" + "a" * 2100
    for text in (long, "<img src='https://good.exa\tmple/a'>", "![a](<https://good.example b>)"):
        verdict = HOSTS.judge("output", text)
        assert "#link-withheld" in str(verdict.text)
        stream = HOSTS.stream()
        assert stream.feed(text) + stream.finish() == verdict.text


TEXTS = ("Look at https://a.example/x?y=1, please (or b.example/z)!", "<http://c.example>")


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example/x?y=1",
        "http://a.example/x?y=1",
        "//a.example/x?y=1",
        "https://b.example/z",
        "https://b.example/z/",
        "https://c.example",
    ],
)
def test_a_url_is_named_with_or_without_its_scheme(url: str) -> None:
    assert Named(TEXTS)(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example/x",
        "https://a.example/x?y=12",
        "https://a.example/x?y=1&z=2",
        "https://b.example",
        "https://evil.example",
        "https://",
        "//",
        "",
    ],
)
def test_more_or_less_than_was_named_was_not_named(url: str) -> None:
    assert not Named(TEXTS)(url)


def test_what_was_named_to_an_audience_passes_for_it_alone() -> None:
    guard: Guard = HOSTS.fit(Audience("acme", named=Named(TEXTS)))
    assert guard.judge("output", "https://c.example and https://good.example") is ALLOW
    assert guard.judge("output", "https://evil.example").decision == "redact"
    assert HOSTS.judge("output", "https://c.example").decision == "redact"
    nobody = HOSTS.fit(Audience("acme"))
    assert nobody.judge("output", "https://c.example").decision == "redact"


def test_the_texts_are_read_once_and_only_if_there_is_a_link() -> None:
    read = list[int]()

    def texts() -> list[str]:
        read.append(1)
        return ["https://a.example"]

    guard = Links().fit(Audience("acme", named=Named(text for text in texts())))
    assert guard.judge("output", "Hello.") is ALLOW
    assert guard.judge("output", "https://a.example https://a.example") is ALLOW
    assert read == [1]


@pytest.mark.parametrize(
    "hosts", ["good.example", ["https://good.example"], ["*"], ["a.b/c"], [""]]
)
def test_what_is_no_host_is_refused(hosts: object) -> None:
    with pytest.raises(DefinitionError, match="no host"):
        Links(hosts)  # pyright: ignore[reportArgumentType] - that is what is wrong with one
