"""What rates, breakers and paces promise, to all processes that share them.

    @pytest.mark.parametrize("promise", RATES, ids=name)
    def test_my_rates_keep_their_word(promise: RatesPromise) -> None:
        clock = ManualClock()
        ...
        asyncio.run(promise(here, there, clock))

`here` and `there` are the `Rates` of two processes, or the same where there is only one.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable

from jackline.core.admission import Key, Ticket, Toll, Went
from jackline.core.breaker import Breaker
from jackline.core.rates import Quota, Quotas, Rate
from jackline.ports import Rates
from jackline.testing.conformance.world import ManualClock

RatesPromise = Callable[[Rates, Rates, ManualClock], Awaitable[None]]

_MODEL: Key = ("", "rate/support/model/m")
_ACME: Key = ("acme", "rate/support/tenant")
_OTHER: Key = ("other", "rate/support/tenant")
_BREAKER = Breaker(failures=3, window_s=60.0, cooldown_s=10.0)
_BARE = Toll("model/m", _BREAKER)
_TWICE = Toll("model/m", _BREAKER, {_MODEL: Rate(requests_per_minute=2).quotas})
_SPENDS = Toll("model/m", _BREAKER, {_MODEL: Rate(tokens_per_minute=100).quotas}, tokens=60)
_LIMITED = Went(None, too_many=True, retry_after_s=30.0)


async def _fails(rates: Rates, toll: Toll = _BARE) -> None:
    await rates.leave(toll, await rates.enter(toll), Went(ok=False))


async def _opened(here: Rates, there: Rates) -> None:
    """Let it fail as often as it may, in both processes."""
    for rates in (here, there, here):
        await _fails(rates)
    await here.exchange()
    await there.exchange()


async def _what_is_well_is_not_even_asked_about(here: Rates, there: Rates, _: ManualClock) -> None:
    await here.leave(_BARE, await here.enter(_BARE), Went(ok=True))
    await there.exchange()
    assert not here.troubled
    assert not there.troubled
    assert (await there.enter(_BARE)).wait_s == 0
    assert there.open_s(_BARE) == 0


async def _a_rate_counts_for_all(here: Rates, there: Rates, clock: ManualClock) -> None:
    assert (await here.enter(_TWICE)).wait_s == 0
    clock.advance(20)
    assert (await there.enter(_TWICE)).wait_s == 0
    for rates in (here, there):
        assert await rates.enter(_TWICE) == Ticket(40.0, "rate", clock.now)
    clock.advance(40)
    assert (await there.enter(_TWICE)).wait_s == 0
    assert (await here.enter(_TWICE)).wait_s > 0


async def _of_those_who_come_at_once_no_more_pass_than_may(
    here: Rates, there: Rates, _: ManualClock
) -> None:
    few, many = Quotas(Quota(7, 60.0)), Quotas(Quota(50, 60.0))
    toll = Toll("tool/t", None, {_MODEL: few, _ACME: many})
    back = Toll("tool/t", None, {_ACME: many, _MODEL: few})
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(rates.enter(each))
            for _call in range(8)
            for rates, each in ((here, toll), (there, back))
        ]
    assert [task.result().wait_s for task in tasks].count(0) == 7


async def _who_has_to_wait_has_taken_nothing(here: Rates, there: Rates, _: ManualClock) -> None:
    both = Toll("m", None, {_ACME: Rate(requests_per_minute=2).quotas, **_TWICE.rates})
    for _call in range(2):
        await here.enter(_TWICE)
    assert (await there.enter(both)).wait_s > 0
    acme = Toll("m", None, {_ACME: Rate(requests_per_minute=2).quotas})
    assert (await here.enter(acme)).wait_s == 0
    assert (await there.enter(acme)).wait_s == 0


async def _what_never_fits_waits_for_ever(here: Rates, _: Rates, __: ManualClock) -> None:
    toll = Toll("m", None, _SPENDS.rates, tokens=101)
    assert (await here.enter(toll)).wait_s == math.inf


async def _each_tenant_has_a_rate_of_its_own(here: Rates, there: Rates, _: ManualClock) -> None:
    once = Rate(requests_per_minute=1).quotas
    assert (await here.enter(Toll("m", None, {_ACME: once}))).wait_s == 0
    assert (await there.enter(Toll("m", None, {_OTHER: once}))).wait_s == 0
    assert (await there.enter(Toll("m", None, {_ACME: once}))).wait_s > 0


async def _tokens_that_were_not_used_go_back(here: Rates, there: Rates, _: ManualClock) -> None:
    ticket = await here.enter(_SPENDS)
    assert (await there.enter(_SPENDS)).wait_s > 0
    await here.leave(_SPENDS, ticket, Went(ok=True, used=10))
    await here.exchange()
    assert (await there.enter(_SPENDS)).wait_s == 0
    ticket = await here.enter(Toll("m", _BREAKER, _SPENDS.rates, tokens=20))
    assert ticket.wait_s == 0


async def _tokens_go_back_before_the_next_call_here(here: Rates, _: Rates, __: ManualClock) -> None:
    for _call in range(5):
        ticket = await here.enter(_SPENDS)
        assert ticket.wait_s == 0
        await here.leave(_SPENDS, ticket, Went(ok=True, used=10))


async def _who_used_more_than_it_held_pays_for_it(
    here: Rates, there: Rates, _: ManualClock
) -> None:
    await here.leave(_SPENDS, await here.enter(_SPENDS), Went(ok=True, used=95))
    await here.exchange()
    assert (await there.enter(Toll("m", None, _SPENDS.rates, tokens=6))).wait_s > 0


async def _failures_anywhere_open_the_circuit_everywhere(
    here: Rates, there: Rates, clock: ManualClock
) -> None:
    await _opened(here, there)
    clock.advance(1)
    for rates in (here, there):
        assert await rates.enter(_BARE) == Ticket(9.0, "open", clock.now)
        assert rates.open_s(_BARE) > 0
        assert rates.troubled


async def _of_all_one_call_probes_and_its_success_lets_all_in(
    here: Rates, there: Rates, clock: ManualClock
) -> None:
    await _opened(here, there)
    clock.advance(10)
    probe = await there.enter(_BARE)
    assert probe == Ticket(at=clock.now, probe=True)
    assert (await here.enter(_BARE)).wait_s == 10.0
    await there.leave(_BARE, probe, Went(ok=True))
    await here.exchange()
    assert not here.troubled
    assert not there.troubled


async def _a_probe_whose_process_died_is_not_waited_for(
    here: Rates, there: Rates, clock: ManualClock
) -> None:
    await _opened(here, there)
    clock.advance(10)
    assert (await here.enter(_BARE)).probe
    clock.advance(9)
    assert (await there.enter(_BARE)).wait_s == 1.0
    clock.advance(1)
    assert (await there.enter(_BARE)).probe


async def _a_success_takes_a_failure_back(here: Rates, there: Rates, _: ManualClock) -> None:
    await _fails(here)
    await _fails(there)
    await here.leave(_BARE, await here.enter(_BARE), Went(ok=True))
    await there.exchange()
    await _fails(there)
    assert (await there.enter(_BARE)).wait_s == 0


async def _a_pause_that_a_provider_wants_holds_for_all(
    here: Rates, there: Rates, clock: ManualClock
) -> None:
    await here.leave(_BARE, await here.enter(_BARE), _LIMITED)
    await there.exchange()
    assert await there.enter(_BARE) == Ticket(30.0, "rate", clock.now)
    assert (await here.enter(_BARE)).wait_s > 30.0, "each is told another time"
    assert here.open_s(_BARE) == 0, "it has not failed"
    clock.advance(30)
    assert (await there.enter(_BARE)).wait_s == 0
    assert (await here.enter(_BARE)).wait_s > 0, "one after another"


async def _a_pace_grows_with_success_and_is_forgotten(
    here: Rates, there: Rates, clock: ManualClock
) -> None:
    await here.leave(_BARE, await here.enter(_BARE), _LIMITED)
    await there.exchange()
    clock.advance(30)
    ticket = await there.enter(_BARE)
    await there.leave(_BARE, ticket, Went(ok=True))
    clock.advance(1)
    assert (await here.enter(_BARE)).wait_s == 0
    clock.advance(0.5)
    assert (await there.enter(_BARE)).wait_s == 0, "twice as fast"
    clock.advance(60)
    assert (await here.enter(_BARE)).wait_s == 0
    await there.exchange()
    assert not here.troubled
    assert not there.troubled


RATES: tuple[RatesPromise, ...] = (
    _what_is_well_is_not_even_asked_about,
    _a_rate_counts_for_all,
    _of_those_who_come_at_once_no_more_pass_than_may,
    _who_has_to_wait_has_taken_nothing,
    _what_never_fits_waits_for_ever,
    _each_tenant_has_a_rate_of_its_own,
    _tokens_that_were_not_used_go_back,
    _tokens_go_back_before_the_next_call_here,
    _who_used_more_than_it_held_pays_for_it,
    _failures_anywhere_open_the_circuit_everywhere,
    _of_all_one_call_probes_and_its_success_lets_all_in,
    _a_probe_whose_process_died_is_not_waited_for,
    _a_success_takes_a_failure_back,
    _a_pause_that_a_provider_wants_holds_for_all,
    _a_pace_grows_with_success_and_is_forgotten,
)
