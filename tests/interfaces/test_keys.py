"""API keys: who shows one is known, and nobody gets in by guessing, copying or coming late."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from tests.cli.terminal import jackline
from tests.interfaces.served import bearer, clerk, served, serving
from tests.kill.serving import servers

from jackline import Runtime
from jackline.adapters.memory import MemoryStore
from jackline.adapters.sqlite.store import open_sqlite
from jackline.core.access import Right
from jackline.core.errors import StoreError, UnauthenticatedError
from jackline.core.rates import Quota
from jackline.core.user import User
from jackline.interfaces.identity import Caller
from jackline.interfaces.keys import FRESH_S, KeyIdentity, NewKey, new_key
from jackline.interfaces.service import Bounds
from jackline.interfaces.throttling import Throttle, Throttled
from jackline.opening import awake_clock
from jackline.ports import ApiKey, KeyFound, Keys
from jackline.serving import asgi
from jackline.testing.conformance import ManualClock

SEALS = b"s" * 32
STREAM = "text/event-stream"
PATIENCE_S = 20.0  # How long it takes is told with a clock of the test's own, above.


class Counted:
    """The keys of a store, and how often somebody asked for one; an answer may take a while."""

    def __init__(self, keys: Keys) -> None:
        self.asked: list[str] = []
        self.answers = asyncio.Event()
        self.answers.set()
        self.fails = False
        self._keys = keys
        self.add, self.listed, self.revoke = keys.add, keys.listed, keys.revoke
        self.exist = keys.exist

    async def find(self, prefix: str) -> KeyFound | None:
        self.asked.append(prefix)
        await self.answers.wait()
        if self.fails:
            raise StoreError("The disk is full.")
        return await self._keys.find(prefix)


class Desk:
    """A store with keys, and who asks there."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.keys = Counted(MemoryStore(self.clock).keys)
        self.identity = KeyIdentity(self.keys, self.seals, self.clock, {"boss": ("operator",)})

    async def seals(self) -> bytes:
        return SEALS

    async def made(
        self,
        *roles: str,
        scopes: Sequence[Right] | None = None,
        lives_s: float | None = None,
    ) -> NewKey:
        new = new_key(SEALS)
        narrowed = None if scopes is None else tuple(scopes)
        key = ApiKey(new.prefix, "job", "acme", "ann", roles or ("user",), narrowed)
        await self.keys.add(key, new.digest, lives_s)
        return new

    async def refused(self, shown: str) -> str:
        with pytest.raises(UnauthenticatedError) as raised:
            await self.identity.caller(shown)
        return str(raised.value)


def test_who_shows_a_key_is_whom_it_was_made_for() -> None:
    async def story() -> None:
        desk = Desk()
        new = await desk.made("user", "boss", scopes=["say", "see"])
        caller = await desk.identity.caller(new.shown)
        roles = {"user", "boss", "operator"}
        assert caller == Caller(User("ann", "acme", roles, {"say", "see"}), new.prefix)
        assert caller
        assert caller.may("say")
        assert caller.may("see")
        assert not caller.may("operate"), "the key's scopes narrow it away"
        assert not caller.may("answer"), "no role gives it, whatever the scopes say"

    asyncio.run(story())


def test_a_key_has_256_random_bits_and_its_name_stands_in_front() -> None:
    keys = [new_key(SEALS) for _ in range(200)]
    assert len({key.prefix for key in keys}) == len({key.shown for key in keys}) == 200
    for key in keys:
        assert key.shown.startswith(f"{key.prefix}_")
        assert len(key.shown) == len("jl_") + 12 + 1 + 43 + 16
        assert key.shown not in repr(key)


def test_what_is_no_key_is_left_to_others() -> None:
    async def story() -> None:
        desk = Desk()
        for shown in ("", "eyJhbGciOi", "JL_1", " jl_1"):
            assert await desk.identity.caller(shown) is None

    asyncio.run(story())


def test_keys_that_were_not_made_here_cost_no_question_and_no_memory() -> None:
    async def story() -> None:
        desk = Desk()
        new = await desk.made()
        body, seal = new.shown[:-16], new.shown[-16:]
        forged = [
            "jl_",
            new.prefix,
            body,
            body + "0" * 16,
            body + seal.upper(),
            body[:-1] + ("A" if body[-1] != "A" else "B") + seal,
            "jl_" + "0" * 12 + body[15:] + seal,
            new.shown + "\n",
            new.shown + " ",
            new.shown.replace("jl_", "jl_é", 1),
            "jl_" + "9" * 100_000,
            *(new_key(b"another store's" * 3).shown for _ in range(1_000)),
        ]
        for shown in forged:
            assert await desk.refused(shown) == "This key is not known here."
        assert desk.keys.asked == []
        assert await desk.identity.caller(new.shown)
        assert desk.keys.asked == [new.prefix]

    asyncio.run(story())


def test_a_key_whose_hash_is_another_is_not_known() -> None:
    async def story() -> None:
        desk = Desk()
        real, other = new_key(SEALS), new_key(SEALS)
        await desk.keys.add(
            ApiKey(real.prefix, "job", "acme", "ann", ("admin",)), other.digest, None
        )
        assert await desk.refused(real.shown) == "This key is not known here."

    asyncio.run(story())


def test_a_revoked_key_is_taken_for_as_long_as_is_said_and_no_longer() -> None:
    async def story() -> None:
        desk = Desk()
        new = await desk.made()
        assert await desk.identity.caller(new.shown)
        await desk.keys.revoke("acme", new.prefix)
        desk.clock.advance(FRESH_S - 0.01)
        assert await desk.identity.caller(new.shown)
        desk.clock.advance(0.01)
        assert await desk.refused(new.shown) == "This key was revoked."
        assert FRESH_S <= 5

    asyncio.run(story())


def test_a_key_that_expires_does_so_to_the_second_though_it_was_just_asked_for() -> None:
    async def story() -> None:
        desk = Desk()
        new = await desk.made(lives_s=FRESH_S + 1)
        assert await desk.identity.caller(new.shown)
        desk.clock.advance(FRESH_S)
        assert await desk.identity.caller(new.shown)
        desk.clock.advance(0.99)
        assert await desk.identity.caller(new.shown)
        desk.clock.advance(0.01)
        assert await desk.refused(new.shown) == "This key has expired."

    asyncio.run(story())


def test_a_key_is_asked_for_once_in_a_while_however_many_show_it() -> None:
    async def story() -> None:
        desk = Desk()
        new, gone = await desk.made(), await desk.made()
        await desk.keys.revoke("acme", gone.prefix)
        desk.keys.answers.clear()
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(desk.identity.caller(new.shown)) for _ in range(100)]
            while not desk.keys.asked:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0)
            asked[0].cancel()
            desk.keys.answers.set()
        assert all(each.result() for each in asked[1:])
        assert len(desk.keys.asked) <= 2, "the first one left before its answer came"
        desk.keys.asked.clear()
        for _ in range(100):
            assert await desk.refused(gone.shown) == "This key was revoked."
        assert desk.keys.asked == [gone.prefix]

    asyncio.run(story())


def test_while_the_store_does_not_answer_nobody_gets_in_on_an_old_answer() -> None:
    async def story() -> None:
        desk = Desk()
        new = await desk.made()
        assert await desk.identity.caller(new.shown)
        desk.keys.fails = True
        desk.clock.advance(FRESH_S)
        with pytest.raises(StoreError):
            await desk.identity.caller(new.shown)
        desk.keys.fails = False
        assert await desk.identity.caller(new.shown)

    asyncio.run(story())


def test_a_key_made_by_the_command_opens_the_server_until_it_is_revoked(tmp_path: Path) -> None:
    def keys(*arguments: str) -> dict[str, object]:
        done = jackline(tmp_path, "keys", *arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    made = keys("make", "job", "--user", "ann", "--role", "user", "--role", "viewer")
    narrow = keys("make", "mute", "--user", "bob", "--role", "admin", "--scope", "say")
    shown, prefix = str(made["key"]), str(made["prefix"])

    async def story() -> tuple[list[int], list[str]]:
        store = open_sqlite(tmp_path / "jackline.db")
        identity = KeyIdentity(store.keys, store.key, awake_clock, {})
        found: list[int] = []
        async with Runtime([clerk()], store=store) as runtime, served(runtime, [identity]) as web:

            async def status(key: str, method: str = "GET", path: str = "/v1/sessions") -> int:
                body = {"agent": "clerk", "session": "s1"} if method == "POST" else None
                answer = await web.request(method, path, headers=bearer(key), json=body)
                return answer.status_code

            found.append((await web.get("/v1/sessions")).status_code)
            found.append(await status(shown[:-1] + ("1" if shown[-1] == "0" else "0")))
            found.append(await status(shown, "POST"))
            found.append(await status(shown))
            mine = await web.get("/v1/sessions", headers=bearer(str(narrow["key"])))
            found.append(await status(str(narrow["key"]), path="/v1/sessions/s1"))
            await asyncio.to_thread(keys, "revoke", prefix)
            until = awake_clock() + PATIENCE_S
            while await status(shown) != 401:
                assert awake_clock() < until
            return found, mine.json()["sessions"]

    found, seen = asyncio.run(story())
    assert found == [401, 401, 201, 200, 404]
    assert seen == [], "an admin's key that may only say sees the sessions of nobody else"


def test_a_stream_that_is_open_ends_when_its_key_is_revoked() -> None:
    async def story() -> None:
        store, clock = MemoryStore(ManualClock()), ManualClock()
        new = new_key(await store.key())
        key = ApiKey(new.prefix, "job", "acme", "ann", ("user",))
        await store.keys.add(key, new.digest, None)
        # Were it counted whenever it is looked whether the key holds, there would be too many.
        throttle = Throttle(Quota(2, 3_600.0), None, clock)
        known = [Throttled(KeyIdentity(store.keys, store.key, clock, {}), throttle)]
        async with Runtime([clerk()], store=store) as runtime:
            app = asgi(runtime, known)
            app.state.service = replace(app.state.service, bounds=Bounds(ping_s=0.05))
            async with (
                serving(app) as url,
                httpx2.AsyncClient(base_url=url, headers=bearer(new.shown), timeout=20) as web,
            ):
                await web.post("/v1/sessions", json={"agent": "clerk", "session": "s1"})
                events = "/v1/sessions/s1/events"
                async with web.stream("GET", events, headers={"Accept": STREAM}) as answer:
                    assert answer.status_code == 200
                    lines = answer.aiter_lines()
                    pings = 0
                    while pings < 3:
                        pings += (await anext(lines)).startswith(":")
                    await store.keys.revoke("acme", new.prefix)
                    clock.advance(FRESH_S)
                    rest = [line async for line in lines]
                told = json.loads(next(line for line in rest if line.startswith("data"))[6:])
                assert told["type"] == "stream.ended"
                assert told["code"] == "unauthenticated"

    asyncio.run(story())


def test_a_key_is_shown_once_and_only_its_hash_is_kept(tmp_path: Path) -> None:
    roles = ("--role", "user", "--role", "approver", "--scope", "see", "--scope", "say")
    done = jackline(tmp_path, "keys", "make", "nightly", "--user", "ann", *roles)
    assert done.returncode == 0, done.stderr
    shown = done.stdout.strip()
    assert shown[:15] in done.stderr
    assert "ann of default, approver, user, and holds until" in done.stderr
    assert shown not in done.stderr
    secret = shown[16:].encode()
    for file in tmp_path.iterdir():
        assert secret not in file.read_bytes(), file
    listed = jackline(tmp_path, "keys", "list", COLUMNS="80").stdout
    assert shown[:15] in listed
    assert shown[16:] not in listed
    revoked = jackline(tmp_path, "keys", "revoke", shown[:15])
    assert f"{shown[:15]} (nightly) is revoked: servers take it for at most 3 s." in revoked.stdout
    assert "revoked 20" in jackline(tmp_path, "keys", "list", COLUMNS="200").stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("make",), "Say what it is for"),
        (("make", "x"), "It has no role there: say --role and one of viewer, user"),
        (("make", "x", "--role", "support"), "support may do nothing there"),
        (("make", "x", "--role", "user", "--scope", "fly"), "'fly' is no right: there are say"),
        (
            ("make", "x", "--role", "user", "--scope", "operate"),
            "these may say alone: the key could do nothing.",
        ),
        (("make", "x", "--role", "user", "--expires", "soon"), "'soon' is no span of time"),
        (("make", "x", "--role", "user", "--expires", "0d"), "'0d' is no span of time"),
        (("make", "x", "--role", "user", "--user", "a/b"), "'a/b' names nobody"),
        (("revoke",), "Say which one"),
        (("list",), "There is no database"),
        (("list", "--store", "memory://"), "memory:// ends with the process"),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(
    tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    done = jackline(tmp_path, "keys", *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert told in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_key_that_is_not_there_or_is_of_another_tenant_is_not_revoked(tmp_path: Path) -> None:
    made = jackline(tmp_path, "keys", "make", "x", "--role", "user", "--json")
    prefix = json.loads(made.stdout)["prefix"]
    for arguments in (("jl_nothere",), (prefix, "--tenant", "other")):
        done = jackline(tmp_path, "keys", "revoke", *arguments)
        assert (done.returncode, "There is no key" in done.stderr) == (2, True)


def test_a_server_of_a_store_that_ever_had_a_key_knows_who_asks_and_how_often(
    tmp_path: Path,
) -> None:
    url = f"sqlite:///{tmp_path / 'journal.db'}"
    (tmp_path / "jackline.toml").write_text('key_rate = "2/h"\n[access]\ndesk = ["user"]\n')
    made = jackline(
        tmp_path, "keys", "make", "x", "--role", "desk", "--user", "ann", "--store", url, "--json"
    )
    shown = json.loads(made.stdout)

    async def story() -> None:
        async with (
            servers(tmp_path, url) as there,
            httpx2.AsyncClient(timeout=PATIENCE_S) as web,
        ):
            served = await there.start()
            assert served.said["mode"] == "identified"
            headers = bearer(shown["key"])
            found = [(await web.get(f"{served.url}/v1/agents")).status_code]
            for _ in range(3):
                answer = await web.get(f"{served.url}/v1/sessions", headers=headers)
                found.append(answer.status_code)
            assert found == [401, 200, 200, 429]
            done = jackline(tmp_path, "keys", "revoke", shown["prefix"], "--store", url)
            assert done.returncode == 0, done.stderr
            again = await there.start()
            assert again.said["mode"] == "identified", "or revoking would let everybody in"
            answer = await web.get(f"{again.url}/v1/sessions", headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")

    asyncio.run(story())
