"""Replay every attack against every setting: `python -m benchmarks.security`.

It runs in an environment of its own (`make bench-security`). Prints a line a setting, and keeps
all of it in `figures.json` and docs/security.md. With `--quick` only what must have no success is
replayed, nothing is kept, and the exit code is 1 where an attack had one.
"""

import argparse
import sys
import warnings
from collections.abc import Iterator
from typing import Any, get_args

from benchmarks.security.conversations import count
from benchmarks.security.figures import PLACES, PLANNERS, Planner, Setting, measure, row, undefended
from benchmarks.security.policies import Level
from benchmarks.security.speed import microseconds
from benchmarks.security.table import keep

_PROVEN: tuple[Planner, ...] = ("a", "b", "c")


def main() -> int:
    """Measure, print and write; return the exit code."""
    parser = argparse.ArgumentParser(description="Replay AgentDojo's attacks against flow.")
    parser.add_argument("--quick", action="store_true", help="only what must have no success")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = [_measured(setting) for setting in _settings(is_quick=options.quick)]
    pairs, successes = undefended()
    talked = count()
    found = {
        "suite": "AgentDojo 0.1.35, v1.2.2: workspace, travel, banking",
        "what": "ground-truth acceptance under replayed attacks; no live model, no adaptive attack",
        "tool_pairs": pairs,
        "undefended_attack_success": successes,
        "text_only_pairs_not_counted": 20,
        "with_a_real_model": "not measured",
        "rows": rows,
        "conversations": {
            "turns": talked.turns,
            "effectful_calls": talked.effectful,
            "questions_per_turn": round(talked.questions_per_turn, 3),
            "asked": talked.why,
        },
        "us_per_call_on_10_kb": microseconds(),
    }
    if not options.quick:
        keep(found)
    print(f"undefended: {successes} of {pairs} attacks succeed")
    print(f"20 conversations: {talked.questions_per_turn:.2f} questions a turn")
    print(f"on 10 KB of context, µs a call: {found['us_per_call_on_10_kb']}")
    return int(options.quick and any(each["attack_success"] for each in rows))


def _settings(*, is_quick: bool) -> Iterator[Setting]:
    levels: tuple[Level, ...] = ("default", "tuned")
    if is_quick:
        yield from (Setting(level, planner) for level in levels for planner in _PROVEN)
        return
    for level in get_args(Level):
        for planner in PLANNERS:
            yield Setting(level, planner)
            if level in levels:
                for place in PLACES[1:]:
                    yield Setting(level, planner, place)
                yield Setting(level, planner, approves=True)


def _measured(setting: Setting) -> dict[str, Any]:
    found = row(setting, measure(setting))
    print(
        f"{found['labels']:8} {found['plan']:26} {found['attackers_values_in']:10}"
        f"{' approved' if setting.approves else '':9}"
        f" attacks {found['attack_success']:3} of {found['pairs']}"
        f"  alone {found['autonomous_acceptance']:.1%}"
        f"  asking {found['acceptance_with_questions']:.1%}"
        f"  questions {found['questions_per_benign_task']:.2f}"
        f" / {found['questions_per_attacked_task']:.2f}"
        f"  {found['us_per_call_median']:.0f} µs",
        flush=True,
    )
    return found


if __name__ == "__main__":
    sys.exit(main())
