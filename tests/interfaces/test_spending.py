"""What was used is told to who used it, and all of it to who may see; limits are operators'."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.interfaces.house import client, house, shown

from jackline.core.events import TurnEnded
from jackline.ports import UsageAsked


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> str | None:
    if request.param == "memory":
        return None
    if request.param == "sqlite":
        folder: Path = request.getfixturevalue("tmp_path")
        return f"sqlite:///{folder}/journal.db"
    return request.getfixturevalue("postgres_url")


def test_what_turns_used_is_what_their_journals_say(store: str | None) -> None:
    async def story() -> None:
        async with house(store=store) as (runtime, app), client(app) as anybody:
            said = {"agent": "clerk", "input": "Hello."}
            for user, session in (("ann", "a"), ("ann", "b"), ("bob", "c"), ("ann", "a")):
                at = f"/v1/sessions/{session}/turns?wait=20"
                who = shown(user, "heron", "user")
                assert (await anybody.post(at, json=said, headers=who)).status_code == 200

            async def used(who: Any, **asked: Any) -> dict[str, Any]:
                told = await anybody.get("/v1/usage", params=asked, headers=who)
                assert told.status_code == 200, told.text
                return {each["key"]: each for each in told.json()["sums"]}

            ann, eve = shown("ann", "heron", "user"), shown("eve", "heron", "viewer")
            wide = {"since": "1970-01-01", "until": "1970-06-01"} if store is None else {}
            assert [await turns(used(ann, by=by, **wide)) for by in ("user", "agent")] == [
                {"ann": 3},
                {"clerk": 3},
            ]
            assert await turns(used(eve, by="user", **wide)) == {"ann": 3, "bob": 1}
            assert await turns(used(eve, by="user", user="bob", **wide)) == {"bob": 1}
            assert await used(ann, by="user", user="bob", **wide) == {}
            some = {"by": "user", "limit": 1, **wide}
            first = (await anybody.get("/v1/usage", params=some, headers=eve)).json()
            assert first["next"]
            assert await turns(used(eve, cursor=first["next"], **some)) == {"bob": 1}
            (whole,) = (await used(eve, by="tenant", **wide)).values()
            ends = [
                record.event
                for row in await runtime.store.sessions("heron")
                for record in await runtime.store.read(row.id)
                if isinstance(record.event, TurnEnded)
            ]
            assert whole == {
                "key": "heron",
                "turns": len(ends),
                "cost": sum(each.cost for each in ends),
                "input": sum(each.usage.input for each in ends),
                "output": sum(each.usage.output for each in ends),
            }
            assert whole["input"] > 0
            assert sum((await turns(used(eve, by="day", **wide))).values()) == 4
            await runtime.store.erase("heron")
            (kept,) = await runtime.store.usage("heron", UsageAsked("tenant", 0, 99_999))
            assert kept.turns == 4

    asyncio.run(story())


async def turns(asking: Any) -> dict[str, int]:
    return {key: each["turns"] for key, each in (await asking).items()}


def test_how_many_days_are_summed_is_bounded() -> None:
    async def story() -> None:
        async with house() as (_, app), client(app) as eve:
            eve.headers.update(shown("eve", "heron", "viewer"))
            for asked, status in (
                ({"since": "2025-01-01", "until": "2026-01-01"}, 200),
                ({"since": "2025-01-01", "until": "2026-01-02"}, 422),
                ({"since": "2026-01-02", "until": "2026-01-01"}, 422),
                ({"since": "yesterday"}, 422),
                ({"by": "month"}, 422),
                ({"user": "\0"}, 422),
                ({"until": "0001-01-01"}, 200),
            ):
                told = await eve.get("/v1/usage", params=asked)
                assert told.status_code == status, f"{asked}: {told.text}"

    asyncio.run(story())


def test_an_operator_sets_what_an_account_may_spend() -> None:
    async def story() -> None:
        async with house() as (runtime, app), client(app) as anybody:
            op, ann = shown("oz", "heron", "operator"), shown("ann", "heron", "user")
            for name, usd in (("user/ann/2026-01-01", 1.5), ("user/bob/2026-01-01", None)):
                at = f"/v1/budgets/{name}"
                told = await anybody.put(at, json={"usd": usd}, headers=op)
                limit = None if usd is None else 1_500_000
                assert told.json() == {"account": name, "limit": limit, "spent": 0, "held": 0}
                assert (await anybody.put(at, json={"usd": 9}, headers=ann)).status_code == 403
            listed = (await anybody.get("/v1/budgets", headers=op)).json()["budgets"]
            assert len(listed) == 2
            own = (await anybody.get("/v1/budgets", headers=ann)).json()["budgets"]
            assert [each["account"] for each in own] == ["user/ann/2026-01-01"]
            asked = {"prefix": "user/bob/"}
            other = await anybody.get("/v1/budgets", params=asked, headers=ann)
            assert other.json() == {"budgets": [], "next": None}
            page = (await anybody.get("/v1/budgets?limit=1", headers=op)).json()
            assert [each["account"] for each in page["budgets"]] == ["user/bob/2026-01-01"]
            asked = {"limit": 1, "cursor": page["next"]}
            page = (await anybody.get("/v1/budgets", params=asked, headers=op)).json()
            assert [each["account"] for each in page["budgets"]] == ["user/ann/2026-01-01"]
            assert page["next"] is None
            for wrong in (-1, 1e13, "1", True):
                told = await anybody.put(at, json={"usd": wrong}, headers=op)
                assert told.status_code == 422, wrong
            told = await anybody.put("/v1/budgets/a%00b", json={"usd": 1}, headers=op)
            assert told.status_code == 422
            assert await runtime.store.accounts("bittern") == []

    asyncio.run(story())
