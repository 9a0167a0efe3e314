"""What was used and paid for, and how much more may be."""

import math
import time
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from jackline.core.errors import InputError
from jackline.interfaces.http.asking import Operator, Reader, Served
from jackline.interfaces.http.bodies import BudgetAsked
from jackline.interfaces.http.replies import json
from jackline.interfaces.http.shapes import Budget, Budgets, Spent, UsageSum, answers
from jackline.ports import By, UsageAsked
from jackline.ports.usage import DAY_S, day_of

router = APIRouter(tags=["spending"])
DAYS_MAX = 366
_DAYS, _ROWS = 30, 1_000
# A name without characters that no database keeps, or nobody sees.
Account = Annotated[str, Path(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]+$")]
Name = Annotated[str, Query(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]


@router.get("/usage", responses=answers(200, Spent))
async def show_usage(
    service: Served,
    caller: Reader,
    *,
    by: By = "day",
    since: date | None = None,
    until: date | None = None,
    user: Name | None = None,
) -> Response:
    """Show what turns used and cost that ended on these days (UTC): one's own, or everybody's.

    By default of the last 30 days; at most of 366. At most 1,000 sums are given.
    """
    today = int(time.clock_gettime(time.CLOCK_REALTIME) // DAY_S)
    last = today if until is None else day_of(until)
    first = last - _DAYS + 1 if since is None else day_of(since)
    if not first <= last < first + DAYS_MAX:
        raise InputError(f"Ask for 1 to {DAYS_MAX} days: from `since` to `until`, both of them in.")
    if not caller.may("see"):
        if user not in (None, caller.user.id):
            return json(Spent(()))
        user = caller.user.id
    asked = UsageAsked(by, first, last, user, _ROWS)
    found = await service.store.usage(caller.user.tenant, asked)
    sums = [UsageSum(each.key, each.turns, each.cost, each.input, each.output) for each in found]
    return json(Spent(tuple(sums)))


@router.get("/budgets", responses=answers(200, Budgets))
async def list_budgets(
    service: Served,
    caller: Reader,
    prefix: Annotated[str, Query(max_length=500, pattern=r"^[^\x00]*$")] = "",
) -> Response:
    """List accounts, and how they stand: one's own, or those of the tenant to who may see them.

    At most 1,000, the last ones by their names: `prefix` says how they begin.
    """
    own = "" if caller.may("see") else f"user/{caller.user.id}/"
    found = await service.store.accounts(caller.user.tenant, prefix or own)
    mine = [each for each in found if each.name.startswith(own)]
    told = [Budget(each.name, each.limit, each.spent, each.held) for each in mine[-_ROWS:]]
    return json(Budgets(tuple(told)))


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
