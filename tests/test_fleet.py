"""The simulation of a fleet, held against what queueing theory says of simple ones."""

from dataclasses import replace
from itertools import pairwise
from math import factorial
from random import Random

import pytest
from benchmarks.fleet import DAY_S, Fleet, Flood, Report, Scene, Service

PLACES = 4


def exponential(random: Random) -> float:
    return random.expovariate(1.0)


AT_ONCE = Service(commit_s=0.0, wake_up_s=0.0, latency=exponential)
SIMPLE = Scene(
    per_s=0.8 * PLACES,
    duration_s=60_000,
    swing=0.0,
    calls=1.0,
    workers=PLACES,
    drives=1,
    kills_per_day=0.0,
    service=AT_ONCE,
)


def erlang_wait(arrivals: float, services: float, servers: int) -> float:
    """The mean wait of M/M/c, by Erlang's C formula (Kleinrock, Queueing Systems I, 3.5)."""
    load = arrivals / services
    last = load**servers / factorial(servers) / (1 - load / servers)
    waits = last / (sum(load**n / factorial(n) for n in range(servers)) + last)
    return waits / (servers * services - arrivals)


def test_the_wait_for_a_place_is_that_of_theory() -> None:
    found = Fleet(SIMPLE, seed=1).run()
    assert found.queue.mean == pytest.approx(erlang_wait(SIMPLE.per_s, 1.0, PLACES), rel=0.05)
    assert found.places == pytest.approx(0.8, rel=0.02)
    one_more = replace(SIMPLE, workers=PLACES + 1)
    assert Fleet(one_more, seed=1).run().queue.mean < 0.5 * found.queue.mean


def test_the_wait_for_postgres_is_that_of_theory() -> None:
    service = Service(commit_s=0.1, backends=2, wake_up_s=0.0)
    scene = replace(SIMPLE, per_s=3.5, workers=1000, duration_s=12_000, service=service)
    found = Fleet(scene, seed=1).run()
    per_s = found.commits / found.sessions * scene.per_s
    assert found.commits == 4 * found.sessions, "submitted, claimed, asked, replied"
    assert found.commit.mean == pytest.approx(erlang_wait(per_s, 10.0, 2), rel=0.1)


def test_as_many_are_there_as_come_while_one_stays() -> None:
    scene = Scene(duration_s=3600.0, swing=0.0, kills_per_day=2000.0)
    found = Fleet(scene, seed=1).run()
    assert found.kills > 50
    arrivals = found.sessions / scene.duration_s
    assert found.present == pytest.approx(arrivals * found.system_s, rel=0.02)


def test_each_turn_ends_however_many_workers_die() -> None:
    fleet = Fleet(Scene(duration_s=1800.0, kills_per_day=20_000.0, lease_s=10.0), seed=1)
    found = fleet.run()
    assert found.taken_over > 100
    assert found.recovery.max < 40, "a lease of 10 s, and a place"
    assert found.recovery.p50 > 5, "a lease is hardly ever over at once"
    assert not fleet.left


def test_a_flood_keeps_others_waiting_unless_tenants_are_served_in_turn() -> None:
    scene = Scene(duration_s=600.0, workers=10, kills_per_day=0.0, floods=[Flood(60.0, 3000)])
    first_come, fair = (Fleet(each, seed=1).run() for each in (scene, replace(scene, fair=True)))
    assert first_come.queue.p99 > 20
    assert fair.queue.p99 < 0.2 * first_come.queue.p99


def test_the_same_seed_is_the_same_day() -> None:
    scene = Scene(duration_s=300.0, kills_per_day=20_000.0)
    one, again, other = (Fleet(scene, seed).run() for seed in (1, 1, 2))
    assert one == again != other


def test_the_wait_grows_with_the_rate() -> None:
    def at(times: float) -> Report:
        scene = replace(SIMPLE, duration_s=5_000, per_s=SIMPLE.per_s * times)
        return Fleet(scene, seed=1).run()

    means = [at(times).queue.mean for times in (0.5, 0.75, 1.0, 1.2)]
    assert all(less < more for less, more in pairwise(means))


def test_a_day_has_its_sessions() -> None:
    scene = Scene(per_s=1.0, duration_s=DAY_S / 4, kills_per_day=0.0, service=AT_ONCE)
    found = Fleet(scene, seed=1).run()
    busier = 1 + 0.6 * 2 / 3.14159  # the mean of a sine over its upper half is 2 / pi, rising
    assert found.sessions == pytest.approx(scene.duration_s * busier, rel=0.02)
