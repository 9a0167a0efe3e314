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
        loaded = [url for _, url in places(passed(EXACT, text, seed))]
        if any(url.removesuffix("/") != NAMED for url in loaded):
            found.append(text)
    return found


def test_nothing_loads_from_a_host_that_nobody_allowed() -> None:
    assert led_away(range(1500)) == []


def test_nothing_loads_a_url_with_more_in_it_than_was_named() -> None:
    assert altered(range(1000)) == []


def test_texts_do_lead_away_before_they_are_looked_at() -> None:
    texts = [Texts(seed).text() for seed in range(300)]
    assert sum(any(host == "evil.example" for host, _ in places(text)) for text in texts) > 50


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_nothing_leads_away_in_many_more_texts() -> None:
    assert led_away(range(1500, 101_500)) == []
    assert altered(range(1000, 51_000)) == []
