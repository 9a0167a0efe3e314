"""What was used and paid for, and how much more may be."""

import math
import time
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from jackline.core.errors import InputError
from jackline.interfaces.http.asking import Known, Operator, Reader, Served
from jackline.interfaces.http.bodies import BudgetAsked, SpentAsked
from jackline.interfaces.http.replies import json
from jackline.interfaces.http.shapes import Budget, Budgets, Spent, UsageSum, answers
from jackline.ports import UsageAsked
from jackline.ports.usage import DAY_S, day_of

router = APIRouter(tags=["spending"], route_class=Known)
DAYS_MAX = 366
_DAYS = 30
# A name without characters that no database keeps, or nobody sees.
Account = Annotated[str, Path(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]+$")]
Start = Annotated[str, Query(max_length=500, pattern=r"^[^\x00]*$")]


@router.get("/usage", responses=answers(200, Spent))
async def show_usage(
    service: Served, caller: Reader, *, wanted: Annotated[SpentAsked, Query()]
) -> Response:
    """Show what turns used and cost that ended on these days (UTC): one's own, or everybody's.

    By default of the last 30 days; at most of 366. At most `limit` sums are given, and `next` is
    the `cursor` that goes on.
    """
    today = int(time.clock_gettime(time.CLOCK_REALTIME) // DAY_S)
    last = today if wanted.until is None else day_of(wanted.until)
    first = last - _DAYS + 1 if wanted.since is None else day_of(wanted.since)
    if not first <= last < first + DAYS_MAX:
        raise InputError(f"Ask for 1 to {DAYS_MAX} days: from `since` to `until`, both of them in.")
    user = wanted.user
    if not caller.may("see"):
        if user not in (None, caller.user.id):
            return json(Spent(()))
        user = caller.user.id
    asked = UsageAsked(wanted.by, first, last, user, wanted.limit + 1, wanted.cursor)
    found = await service.store.usage(caller.user.tenant, asked)
    page = found[: wanted.limit]
    sums = [UsageSum(each.key, each.turns, each.cost, each.input, each.output) for each in page]
    return json(Spent(tuple(sums), page[-1].key if len(found) > len(page) else None))


@router.get("/budgets", responses=answers(200, Budgets))
async def list_budgets(
    service: Served,
    caller: Reader,
    prefix: Start = "",
    limit: Annotated[int, Query(ge=1, le=1_000)] = 1_000,
    cursor: Start = "",
) -> Response:
    """List accounts, and how they stand: one's own, or those of the tenant to who may see them.

    The last ones by their names, as these end in dates, and at most `limit`: `next` is the `cursor`
    that goes on to those before them, and `prefix` says how names begin.
    """
    own = "" if caller.may("see") else f"user/{caller.user.id}/"
    found = await service.store.accounts(caller.user.tenant, prefix or own)
    mine = [
        each for each in found if each.name.startswith(own) and (not cursor or each.name < cursor)
    ]
    page = mine[-limit:]
    told = [Budget(each.name, each.limit, each.spent, each.held) for each in page]
    return json(Budgets(tuple(told), page[0].name if len(mine) > len(page) else None))


@router.put("/budgets/{account:path}", responses=answers(200, Budget))
async def set_budget(
    account: Account, body: BudgetAsked, service: Served, caller: Operator
) -> Response:
    """Set what an account may spend, in dollars; null: it only counts. A lower limit holds too."""
    limit = None if body.usd is None else math.floor(body.usd * 1_000_000)
    tenant = caller.user.tenant
    await service.store.allow(tenant, account, limit)
    found = await service.store.accounts(tenant, account)
    (now,) = [each for each in found if each.name == account]
    return json(Budget(now.name, now.limit, now.spent, now.held))
