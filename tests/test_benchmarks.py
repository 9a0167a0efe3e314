"""What the page of figures says is what was measured, and what is still to be reached."""

import json
from pathlib import Path

import pytest
from benchmarks.report import kept, page
from benchmarks.rows import AREAS, Row
from benchmarks.security import table as replayed

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"


def test_the_page_is_made_of_the_figures() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(kept())


def test_the_bracket_of_security_is_made_of_its_figures() -> None:
    page, figures = (
        replayed.PAGE.read_text(encoding="utf-8"),
        json.loads(replayed.FIGURES.read_text()),
    )
    assert page == replayed.kept_in(page, figures)
    assert replayed.table(figures).count("\n") == 2 + 3 * 4


@pytest.mark.parametrize("value", [700, 600])
def test_what_is_better_higher_is_reached_from_its_target_on(value: int) -> None:
    row = Row("turns_per_s", "turns", 600, "turns", "higher")
    assert row.reached(value)
    assert not row.reached(value - 200)
    assert not row.reached(None)


def test_each_target_is_beside_what_was_measured_and_what_was_not_says_why() -> None:
    entries = [
        {
            "area": "cluster",
            "id": "wake_up_p50",
            "value": 6.5,
            "unit": "ms",
            "peers": {"dbos": 51.0},
            "machine": "2 x CPU",
            "date": "2026-11-23",
        },
        {
            "area": "cluster",
            "id": "turns_per_s",
            "value": None,
            "unit": None,
            "not_measured": "it ended",
            "peers": {"dbos": {"not_measured": "not installed"}},
            "machine": "2 x CPU",
            "date": "2026-11-23",
        },
    ]
    text = page(entries)
    assert "(ms) | ≤ 8 | **6.5** | 51 | - |" in text
    assert "(a second) | ≥ 600 | -<sup>1</sup> | -<sup>2</sup> | - |" in text
    assert "1. jackline, trivial turns, two workers: it ended." in text
    assert "2. dbos: not installed." in text
    assert "Measured on 2026-11-23: 2 x CPU." in text


def test_each_figure_has_one_name() -> None:
    ids = [row.id for area in AREAS.values() for row in area.rows]
    assert len(ids) == len(set(ids))
    kept_before = {each["id"] for each in kept()}
    assert kept_before <= set(ids), json.dumps(sorted(kept_before - set(ids)))
