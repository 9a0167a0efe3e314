"""What no client of good will sends is refused in words, and breaks nothing."""

import asyncio
import json
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx2
import pytest
from tests.interfaces.house import client, house, shown

WHO = shown("ann", "heron", "user", "admin")
TURNS, LIMITS = "/v1/sessions/one/turns", "/v1/sessions/one/limits"
SAID = b'{"agent":"clerk","input":%b}'
LONG = b"9" * 5_000

# What is sent, and with which status it may be answered.
BODIES: dict[str, tuple[str, bytes, set[int]]] = {
    "a lone surrogate": (TURNS, SAID % rb'"\ud800"', {422}),
    "a lone surrogate in an agent's name": (TURNS, rb'{"agent":"\udfff","input":"a"}', {404, 422}),
    "a lone surrogate as a session": (
        "/v1/sessions",
        rb'{"agent":"clerk","session":"\ud800"}',
        {422},
    ),
    "a lone surrogate as an agent": ("/v1/sessions", rb'{"agent":"\ud800"}', {404, 422}),
    "a lone surrogate as a reason": ("/v1/sessions/one/cancel", rb'{"reason":"\ud800"}', {422}),
    "a lone surrogate as a limit's name": (LIMITS, rb'{"limits":{"\ud800":1}}', {422}),
    "a lone surrogate as an artifact": (
        TURNS,
        SAID % rb'[{"type":"file","artifact":"\ud800"}]',
        {404, 422},
    ),
    "a lone surrogate as an unknown field": (TURNS, rb'{"input":"a","\ud800":1}', {422}),
    "a NUL": (TURNS, SAID % rb'"a\u0000b"', {202, 422}),
    "a NUL as a session": ("/v1/sessions", rb'{"agent":"clerk","session":"a\u0000"}', {422}),
    "a NUL as an artifact": (TURNS, SAID % rb'[{"type":"file","artifact":"\u0000"}]', {404, 422}),
    "a limit that is no number": (LIMITS, b'{"limits":{"usd":NaN}}', {422}),
    "a limit without an end": (LIMITS, b'{"limits":{"usd":Infinity}}', {422}),
    "a limit beyond floats": (LIMITS, b'{"limits":{"usd":1e999}}', {422}),
    "a limit below nothing": (LIMITS, b'{"limits":{"usd":-1e308}}', {422}),
    "a limit of 5,000 digits": (LIMITS, b'{"limits":{"usd":%b}}' % LONG, {422}),
    "a turn of 5,000 digits": ("/v1/sessions/one/cancel", b'{"turn":%b}' % LONG, {422}),
    "a deadline that is no number": (TURNS, b'{"input":"a","deadline_at":NaN}', {422}),
    "a deadline beyond all": (TURNS, b'{"input":"a","deadline_at":1e999}', {422}),
    "a nest": (TURNS, b"[" * 100_000, {422}),
    "a nest in a nest": (TURNS, b'{"input":' * 50_000, {422}),
    "no JSON": (TURNS, b"input=a", {422}),
    "no UTF-8": (TURNS, b'{"input":"\xff\xfe"}', {422}),
    "nothing": (TURNS, b"", {422}),
    "null": (TURNS, b"null", {422}),
    "a number as text": (TURNS, SAID % b"7", {422}),
    "an answer with what is no JSON": (
        "/v1/sessions/one/questions/1",
        b'{"approved":true,"digest":"d","arguments":{"a":NaN}}',
        {403, 404, 422},
    ),
}
PATHS: dict[str, tuple[str, set[int]]] = {
    "a NUL in a name": ("/v1/sessions/a%00b", {404, 422}),
    "no UTF-8 in a name": ("/v1/sessions/%ff%fe", {404, 422}),
    "a line's end in a name": ("/v1/sessions/a%0d%0ab", {404, 422}),
    "a surrogate in a name": ("/v1/sessions/%ed%a0%80", {404, 422}),
    "a slash in a name": ("/v1/sessions/a%2Fb", {404}),
    "a long name": ("/v1/sessions/" + "a" * 201, {422}),
    "dots": ("/v1/sessions/%2e%2e", {404, 422}),
    "a turn of 5,000 digits": (f"{TURNS}/{LONG.decode()}", {422}),
    "a turn that is no number": (f"{TURNS}/nan", {422}),
    "a turn in other digits": (f"{TURNS}/%D9%A2", {200, 202, 404, 422}),
    "waiting for no number": (f"{TURNS}/2?wait=nan", {422}),
    "waiting without an end": (f"{TURNS}/2?wait=inf", {422}),
    "a place of 5,000 digits": ("/v1/sessions/one/events?after=" + LONG.decode(), {422}),
    "a place in other digits": ("/v1/sessions/one/events?after=%D9%A2", {422}),
    "a place below nothing": ("/v1/sessions/one/events?after=-1", {422}),
    "a place beyond all": (f"/v1/sessions/one/events?after={(1 << 63) - 1}", {200}),
    "a NUL in a place": ("/v1/sessions/one/events?after=%00", {422}),
    "a NUL as an artifact": ("/v1/sessions/one/artifacts/%00", {404, 422}),
    "no UTF-8 as an artifact": ("/v1/sessions/one/artifacts/%ff", {404, 422}),
    "a limit of 5,000 digits": ("/v1/sessions?limit=" + LONG.decode(), {422}),
    "a question beyond all": ("/v1/sessions/one/questions/" + "9" * 30, {404, 405, 422}),
}
HEADERS: dict[str, tuple[str, str, dict[bytes, bytes], set[int]]] = {
    "a request id of bytes": ("post", TURNS, {b"Idempotency-Key": b"\xff\x01"}, {422}),
    "a long request id": ("post", TURNS, {b"Idempotency-Key": b"a" * 201}, {422}),
    "a trace of bytes": ("post", TURNS, {b"traceparent": b"\xff"}, {202, 422}),
    "a type of bytes": ("put-file", "", {b"Content-Type": b"\xff\xfe"}, {201, 422}),
    "a long type": ("put-file", "", {b"Content-Type": b"a/" + b"a" * 5_000}, {422}),
    "no type": ("put-file", "", {b"Content-Type": b""}, {201, 422}),
    "a place of bytes": ("get", "/v1/sessions/one/events", {b"Last-Event-ID": b"\xff"}, {422}),
    "a range of nothing": ("get-file", "", {b"Range": b"bytes=-0"}, {416}),
    "a range backwards": ("get-file", "", {b"Range": b"bytes=5-2"}, {416}),
    "a range of bytes": ("get-file", "", {b"Range": b"\xff"}, {200}),
    "a range of another unit": ("get-file", "", {b"Range": b"items=0-1"}, {200}),
    "several ranges": ("get-file", "", {b"Range": b"bytes=0-1,3-4"}, {200}),
    "very many ranges": ("get-file", "", {b"Range": b"bytes=0-1" + b",3-4" * 500}, {200}),
    "a range without numbers": ("get-file", "", {b"Range": b"bytes=-"}, {200}),
    "a range of a unit in capitals": ("get-file", "", {b"Range": b"BYTES=0-1"}, {206}),
    "a key of bytes": ("get", "/v1/sessions", {b"Authorization": b"Bearer \xff\xfe"}, {401}),
    "no key": ("get", "/v1/sessions", {b"Authorization": b""}, {401}),
}


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> str | None:
    if request.param == "memory":
        return None
    if request.param == "sqlite":
        folder: Path = request.getfixturevalue("tmp_path")
        return f"sqlite:///{folder}/journal.db"
    return request.getfixturevalue("postgres_url")


def told_badly(said: httpx2.Response, allowed: set[int], about: str) -> list[str]:
    """Return what is wrong with an answer."""
    told = f"{about}: {said.status_code} {said.text[:300]}"
    if said.status_code not in allowed:
        return [told]
    if said.status_code < 400 or said.status_code == 416:
        return []
    kind, body = said.headers["content-type"], json.loads(said.content.decode())
    whole = {"type", "title", "status", "code"} <= body.keys()
    well = whole and body["status"] == said.status_code and kind == "application/problem+json"
    return [] if well and len(said.content) < 4_096 else [told]


def test_what_cannot_be_taken_is_refused_in_words(store: str | None) -> None:
    async def story() -> None:
        async with house(store=store) as (_, app), client(app) as ann:
            ann.headers.update(WHO)
            wrong: list[str] = []
            begun = await ann.post(TURNS, json={"agent": "clerk", "input": "a"}, params={"wait": 9})
            assert begun.status_code == 200
            file = await ann.post("/v1/sessions/one/artifacts", content=b"0123456789")
            at = f"/v1/sessions/one/artifacts/{file.json()['artifact']}"
            for about, (path, body, allowed) in BODIES.items():
                kind = {"Content-Type": "application/json"}
                said = await ann.post(path, content=body, headers=kind)
                wrong += told_badly(said, allowed, about)
            for about, (path, allowed) in PATHS.items():
                wrong += told_badly(await ann.get(path), allowed, about)
            for about, (verb, path, headers, allowed) in HEADERS.items():
                sent = list(headers.items())
                if verb == "get":
                    said = await ann.get(path, headers=sent)
                elif verb == "get-file":
                    said = await ann.get(at, headers=sent)
                elif verb == "put-file":
                    said = await ann.post("/v1/sessions/one/artifacts", content=b"a", headers=sent)
                else:
                    said = await ann.post(path, json={"input": "a"}, headers=sent)
                wrong += told_badly(said, allowed, about)
            assert not wrong, "\n".join(wrong)
            assert (await ann.get("/v1/sessions/one")).status_code == 200

    asyncio.run(story())


def test_a_nest_is_refused_in_words_however_deep_it_is() -> None:
    def nest(depth: int) -> bytes:
        arguments = b'{"a":' + b"[" * depth + b"]" * depth + b"}"
        return b'{"approved":true,"digest":"d","arguments":%b}' % arguments

    async def story() -> None:
        answers, kind = "/v1/sessions/one/questions/1", {"Content-Type": "application/json"}
        async with house() as (_, app), client(app) as ann:
            ann.headers.update(WHO)
            statuses: list[int] = []
            for depth in range(600, 1_000):  # Between are those that can be read and not written.
                said = await ann.post(answers, content=nest(depth), headers=kind)
                statuses.append(said.status_code)
            assert statuses[0] == 404
            assert set(statuses) <= {404, 422}

    asyncio.run(story())


def test_a_verb_that_is_not_there_is_refused_with_those_that_are() -> None:
    async def story() -> None:
        async with house() as (_, app), client(app) as ann:
            ann.headers.update(WHO)
            for path, verbs in app.openapi()["paths"].items():
                at = path.replace("{turn}", "2").replace("{question}", "2")
                for verb in ("HEAD", "OPTIONS", "TRACE", "PATCH", "BREW", "PUT", "DELETE"):
                    if verb.lower() not in verbs:
                        said = await ann.request(verb, at)
                        assert said.status_code == 405, f"{verb} {at}: {said.status_code}"
                        there = {each.upper() for each in verbs}
                        assert set(said.headers["allow"].split(", ")) == there, f"{verb} {at}"
            for path in ("/", "/v1", "/v1/", "/v1/sessions/", "/v2/sessions", "//v1/sessions"):
                assert not told_badly(await ann.get(path), {404}, path)

    asyncio.run(story())


def test_of_what_nobody_sends_nothing_is_read() -> None:
    read = list[bytes]()

    async def unread() -> AsyncGenerator[bytes]:
        read.append(b"{}")
        yield read[-1]

    async def story() -> None:
        async with house() as (_, app), client(app) as nobody:
            api = (await nobody.get("/v1/openapi.json")).json()["paths"]
            asked = [(verb, path) for path, verbs in api.items() for verb in verbs]
            assert len(asked) > 15
            for verb, path in asked:
                said = await nobody.request(verb, path, content=unread())
                assert said.status_code == 401, (verb, path)
                assert said.headers["www-authenticate"] == "Bearer"
            assert not read

    asyncio.run(story())


def test_a_fork_with_a_name_that_is_taken_says_so() -> None:
    async def story() -> None:
        async with house() as (_, app), client(app) as ann:
            ann.headers.update(WHO)
            for name in ("one", "two"):
                await ann.post("/v1/sessions", json={"agent": "clerk", "session": name})
            said = await ann.post("/v1/sessions/one/fork", json={"session": "two"})
            assert (said.status_code, said.json()["code"]) == (409, "conflict")
            assert said.json()["title"] == "The name or request id is taken already"
            assert "'two' already" in said.json()["detail"]

    asyncio.run(story())
