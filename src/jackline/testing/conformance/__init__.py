"""What every store promises, as functions that an adapter's author runs on theirs.

    @pytest.mark.parametrize("promise", PROMISES, ids=name)
    def test_my_store_keeps_its_word(promise: Promise, tmp_path: Path) -> None:
        clock = ManualClock()
        with closing(MyStore(tmp_path, clock=clock)) as store:
            asyncio.run(promise(store, clock))

Each takes a new, empty store and the clock that it was made with, and raises `AssertionError`
where a promise is not kept. They need no test runner; with pytest, a line
`pytest.register_assert_rewrite("jackline.testing.conformance")` before the import makes it show
what differs. `RATES` are the promises of `Rates`, of one process or of many, and `KEYS`
those of a store's `keys`.
"""

from jackline.testing.conformance import (
    answers,
    archive,
    driving,
    erasure,
    leases,
    opening,
    telling,
    transactions,
)
from jackline.testing.conformance.keys import KEYS, KeysPromise
from jackline.testing.conformance.rates import RATES, RatesPromise
from jackline.testing.conformance.world import ManualClock, Promise, name

PROMISES: tuple[Promise, ...] = (
    *opening.PROMISES,
    *leases.PROMISES,
    *driving.PROMISES,
    *telling.PROMISES,
    *answers.PROMISES,
    *transactions.PROMISES,
    *archive.PROMISES,
    *erasure.PROMISES,
)

__all__ = [
    "KEYS",
    "PROMISES",
    "RATES",
    "KeysPromise",
    "ManualClock",
    "Promise",
    "RatesPromise",
    "name",
]
