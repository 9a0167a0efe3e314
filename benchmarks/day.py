"""A million sessions in a day, simulated: `python -m benchmarks.day [--fast]`, a report as JSON.

The day as it is, with workers that are killed and two tenants that flood; the same where tenants
are served in turn; and how the wait for a place grows with the rate, until it knees. What things
take is in `given`: measured in `docs/benchmarks.json`, or assumed where that has nothing.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from benchmarks.fleet import DAY_S, Fleet, Flood, Report, Scene, Service, Waits
from benchmarks.report import kept

SEED = 1
FAST = 24
"""Into how many parts a fast day is cut, of which one is played."""

_KNEE_S = 1.0
_SWEEP_S, _SWEEP_WORKERS = 60.0, 100
_RATES = (1, 2, 4, 8, 12, 16, 20, 24)
_FLOOD = 20_000
_ASSUMED = {"hot_account": 1000.0, "postgres_cpu": 1.0, "wake_up_p50": 8.0}


def given() -> Mapping[str, Mapping[str, Any]]:
    """Return what things take, and where that is from."""
    measured = {each["id"]: each["value"] for each in kept() if each.get("value") is not None}
    return {
        name: {"value": measured.get(name, assumed), "measured": name in measured}
        for name, assumed in _ASSUMED.items()
    }


def service() -> Service:
    """Return it as the simulation takes it.

    A pair of hold and bill is two commits, and was measured with all of the machine's two cores
    at work, clients and server: Postgres alone on them does more.
    """
    values = {name: each["value"] for name, each in given().items()}
    backends = 2
    return Service(
        commit_s=backends / (2 * values["hot_account"]),
        backends=backends,
        round_cpu_s=values["postgres_cpu"] / 1e3,
        wake_up_s=values["wake_up_p50"] / 1e3,
    )


def day(parts: int = 1) -> Scene:
    """Return the day, or so much of it: with floods at a quarter and at the half of it."""
    duration_s = DAY_S / parts
    floods = [Flood(at * duration_s, _FLOOD // parts) for at in (0.25, 0.5)]
    return Scene(duration_s=duration_s, floods=floods, service=service())


def sweep(parts: int = 1) -> Sequence[tuple[float, Report]]:
    """Return what comes of steady rates, as multiples of the day's mean, without losses."""
    steady = Scene(
        swing=0.0,
        kills_per_day=0.0,
        duration_s=_SWEEP_S / min(parts, 4),
        workers=_SWEEP_WORKERS,
        service=service(),
    )
    scenes = [replace(steady, per_s=steady.per_s * times) for times in _RATES]
    return [(scene.per_s, Fleet(scene, SEED).run()) for scene in scenes]


def report(parts: int = 1) -> Mapping[str, object]:
    """Return what came of the day, of the same with fair lines, and of the sweep."""
    scene, rates = day(parts), sweep(parts)
    held = [per_s for per_s, each in rates if each.commit.p99 + each.queue.p99 <= _KNEE_S]
    return {
        "given": given(),
        "day": _rounded(Fleet(scene, SEED).run()),
        "fair": _rounded(Fleet(replace(scene, fair=True), SEED).run()),
        "sweep": [{"sessions_per_s": round(rate, 1), **_rounded(each)} for rate, each in rates],
        "knee_sessions_per_s": round(max(held, default=0.0), 1),
    }


def _rounded(each: Report) -> Mapping[str, object]:
    """Return a report with as many digits as mean something."""
    return {name: _short(value) for name, value in asdict(each).items()}


def _short(value: Any) -> object:
    if isinstance(value, Waits):
        return {name: _short(each) for name, each in value._asdict().items()}
    return float(f"{value:.3g}") if isinstance(value, float) else value


def _main() -> None:
    """Play what the command line asks for."""
    parser = argparse.ArgumentParser(description="Simulate a million sessions in a day.")
    parser.add_argument("--fast", action="store_true", help=f"a part of {FAST} of the day")
    print(json.dumps(report(FAST if parser.parse_args().fast else 1), indent=2))


if __name__ == "__main__":
    _main()
