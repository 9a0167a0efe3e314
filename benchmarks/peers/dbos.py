"""DBOS: a workflow with one step for each turn, on a queue, driven by processes of its own.

`python -m benchmarks.peers.dbos MEASUREMENT` measures in the empty database that
`BENCHMARK_DATABASE_URL` names; with `work` it is a worker, until its stdin ends. The queue is
polled every `POLL_S`, which is a twentieth of DBOS's default.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from pathlib import Path

from dbos import DBOS, DBOSClient, DBOSConfig, EnqueueOptions

from benchmarks.peers.measure import DATABASE, Figure
from benchmarks.peers.process import shared_clock

POLL_S = 0.05
TURNS = 3000
WAKE_UPS, WAKE_UPS_S = 200, 20.0
_WARM_UP = 5
_AT_ONCE = 32
_WAIT_S = 50.0
_QUEUE = "bench"
_NOTE = f"its queue is polled every {POLL_S * 1e3:g} ms"
_ASKED: dict[str, float] = {}


@DBOS.step()
def ask(session: str) -> str:
    """Be the model, which answers at once."""
    _ASKED.setdefault(session, shared_clock())
    return "The final answer is forty two."


@DBOS.workflow()
def turn(session: str) -> str:
    """Be a turn: one step."""
    return ask(session)


def _url() -> str:
    return os.environ[DATABASE]


def _work() -> None:
    """Drive what is in the queue until stdin ends, then print when each step was first begun."""
    config = DBOSConfig(
        name="bench",
        system_database_url=_url(),
        application_version="1",
        log_level="ERROR",
        run_admin_server=False,
    )
    DBOS(config=config)
    DBOS.launch()
    DBOS.register_queue(_QUEUE, polling_interval_sec=POLL_S)
    print("ready", flush=True)
    sys.stdin.read()
    print(json.dumps(_ASKED), flush=True)
    os._exit(0)  # Its threads may go on for long, and nothing is asked of them any more.


@contextmanager
def _hired(count: int) -> Generator[list["subprocess.Popen[str]"]]:
    """Start workers, and end them."""
    workers: list[subprocess.Popen[str]] = []
    try:
        for _ in range(count):
            command = [sys.executable, "-m", "benchmarks.peers.dbos", "work"]
            worker = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=Path(__file__).parents[2],
            )
            workers.append(worker)
            assert worker.stdout is not None, "it is a pipe"
            while (line := worker.stdout.readline()) != "ready\n":
                assert line, "the worker ended before it was ready"
        yield workers
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()


def _submit(client: DBOSClient, session: str) -> Callable[[], object]:
    """Submit a turn; return what waits for its end."""
    options = EnqueueOptions(queue_name=_QUEUE, workflow_name="turn", app_version="1")
    return partial(client.enqueue(options, session).get_result, polling_interval_sec=POLL_S)


def turns() -> Mapping[str, Figure]:
    """Measure from the first submission to the end of the last turn, with two workers."""
    with _hired(2):
        client = DBOSClient(system_database_url=_url())
        _driven(client, range(100))
        began_s = shared_clock()
        _driven(client, range(100, 100 + TURNS))
        per_s = round(TURNS / (shared_clock() - began_s), 1)
    return {"turns_per_s": Figure(per_s, per_s, "a second", 1, _NOTE)}


def _driven(client: DBOSClient, numbers: range) -> None:
    """Submit these turns, and wait until all have ended."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(lambda number: _submit(client, f"session-{number}"), numbers))
    until_s = shared_clock() + _WAIT_S
    while client.list_workflows(status=["ENQUEUED", "PENDING"], limit=1):
        assert shared_clock() < until_s, "the turns did not end"
        time.sleep(POLL_S)  # noqa: TID251 - it tells nobody


def wake_up() -> Mapping[str, Figure]:
    """Measure from before the submission until the step begins in another process."""
    with _hired(1) as (worker,):
        client, submitted = DBOSClient(system_database_url=_url()), dict[str, float]()
        until_s = shared_clock() + WAKE_UPS_S
        while len(submitted) < WAKE_UPS and shared_clock() < until_s:
            name = f"session-{len(submitted)}"
            submitted[name] = shared_clock()
            _submit(client, name)()
        said, _ = worker.communicate()
    asked: Mapping[str, float] = json.loads(said.splitlines()[-1])
    return _centiles([asked[name] - at for name, at in submitted.items()][_WARM_UP:])


def _centiles(delays_s: Sequence[float]) -> Mapping[str, Figure]:
    centiles = [each * 1e3 for each in statistics.quantiles(delays_s, n=100, method="inclusive")]
    p50, p99 = round(centiles[49], 2), round(centiles[98], 2)
    return {
        "wake_up_p50": Figure(p50, p50, "ms", len(delays_s), _NOTE),
        "wake_up_p99": Figure(p99, p50, "ms", len(delays_s), _NOTE),
    }


def _main() -> None:
    """Take the measurement that the command line names, or work."""
    parser = argparse.ArgumentParser(description="Measure dbos.")
    parser.add_argument("what", choices=["turns", "wake_up", "work"])
    what: str = parser.parse_args().what
    if what == "work":
        _work()
        return
    taken = turns() if what == "turns" else wake_up()
    figures = {name: asdict(each) for name, each in taken.items()}
    print(json.dumps({"version": version("dbos"), "figures": figures}))


if __name__ == "__main__":
    _main()
