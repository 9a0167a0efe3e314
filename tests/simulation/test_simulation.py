"""What was promised holds whatever happens, and the simulation notices where it does not."""

import os
from collections.abc import Generator
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
from tests.simulation import stores
from tests.simulation.outside import EFFECTS
from tests.simulation.simulation import Plan, Simulation

SEEDS = int(os.environ.get("JACKLINE_SEEDS", "200"))


def seeds(quick: int, count: int) -> list[object]:
    """Return that many seeds, of which the first are tried quickly and all at length."""
    return [n if n < quick else pytest.param(n, marks=pytest.mark.verify) for n in range(count)]


ON_SQLITE = seeds(120, SEEDS)
ON_POSTGRES = seeds(4, max(4, SEEDS // 4))
_IN_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made there
_GOES_BACK = """
    CREATE OR REPLACE FUNCTION jackline.time_after_1(last double precision, given double precision)
    RETURNS double precision LANGUAGE sql AS 'SELECT given'
"""


@pytest.mark.parametrize("seed", range(SEEDS))
def test_promises_hold_whatever_happens(seed: int) -> None:
    Simulation(seed, Plan()).run()


@pytest.fixture
def journal() -> Generator[Path]:
    """A file that waits for no disk, where there is a place for it: no machine dies here."""
    place = _IN_MEMORY if os.access(_IN_MEMORY, os.W_OK) else None
    with TemporaryDirectory(prefix="jackline-", dir=place) as folder:
        yield Path(folder) / "journal.db"


@pytest.mark.parametrize("seed", ON_SQLITE)
def test_promises_hold_on_sqlite_too(seed: int, journal: Path) -> None:
    Simulation(seed, Plan(), journal).run()


@pytest.mark.parametrize("seed", range(SEEDS // 4))
def test_promises_hold_with_a_judge_too(seed: int) -> None:
    Simulation(seed, Plan(judge="asked")).run()


@pytest.mark.parametrize("seed", ON_POSTGRES)
def test_promises_hold_on_postgres_too(seed: int, postgres_url: str) -> None:
    Simulation(seed, Plan(), postgres_url).run()


def test_the_simulation_catches_a_database_whose_time_goes_back(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as database:
        database.execute(_GOES_BACK)
    with pytest.raises(AssertionError, match=r"time goes back|G1"):
        for seed in range(20):
            Simulation(seed, Plan(), postgres_url).run()


@pytest.mark.parametrize("store", [stores.Unfenced, stores.Generous, stores.Warped])
def test_the_simulation_catches_on_postgres_too(
    store: type[stores.Lossy], postgres_url: str
) -> None:
    with pytest.raises(AssertionError, match=r"G|no turn|was not asked|follow|snapshot"):
        for seed in range(20):
            Simulation(seed, Plan(store), postgres_url).run()


@pytest.mark.parametrize(
    ("plan", "caught"),
    [
        pytest.param(Plan(stores.Unfenced), "G|no turn|was not asked|follow", id="no fence"),
        pytest.param(
            Plan(stores.Blind), "G1|G4|G5|G9|follow", id="appends over what it has not seen"
        ),
        pytest.param(Plan(stores.Forgetful), "G1", id="an input wakes nobody"),
        pytest.param(Plan(stores.Generous), "G3", id="a reservation is never refused"),
        pytest.param(Plan(stores.Careless), "G3", id="a row forgets what was spent"),
        pytest.param(Plan(stores.Sleepy), "G1", id="a release forgets when to wake"),
        pytest.param(Plan(stores.Hollow), "G2: written", id="a result commits without its writes"),
        pytest.param(Plan(stores.Warped), "G|snapshot", id="a snapshot says something else"),
        pytest.param(Plan(stores.Gappy), "G4|follow", id="an event is left out of a stream"),
        pytest.param(
            Plan(effects={**EFFECTS, "pay": "idempotent"}), "G2", id="a payment is repeated"
        ),
        pytest.param(Plan(judge="forgotten"), "nobody has judged", id="no judge is asked"),
        pytest.param(Plan(judges=False), "G6: nobody asked", id="nobody judges a call"),
        pytest.param(Plan(clock_sleeps=True), "G2: paid", id="a clock stops with its process"),
    ],
)
def test_the_simulation_catches(plan: Plan, caught: str) -> None:
    with pytest.raises(AssertionError, match=caught):
        for seed in range(200):
            Simulation(seed, plan).run()
