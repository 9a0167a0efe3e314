"""No endpoint tells a tenant of another's sessions, or changes them, whoever asks.

What is asked comes from the OpenAPI document: an endpoint, a parameter or a body that nobody has
said here how to fill fails the test.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from tests.interfaces.house import ALL_ROLES, client, house, journal, shown

ASK = {"input": "What is at the weir?"}
SECRETS = ("weir", "annabel", "heron", "Paid", "otter")
SESSIONS = ("one", "two")
ACCOUNTS = ("tenant/2026-01-01",)
OPERATED = ("/limits", "/budgets/{account}")

# What a body says, by the name of its schema.
BODIES: Mapping[str, Any] = {
    "SessionAsked": {"agent": "clerk"},
    "TurnAsked": ASK,
    "CancelAsked": {},
    "ForkAsked": {},
    "AnswerAsked": {"approved": True, "digest": "<digest>"},
    "LimitsAsked": {"limits": {"usd": 5}},
    "ChatAsked": {"model": "clerk", "messages": [{"role": "user", "content": "What is here?"}]},
    "ResponseAsked": {"model": "clerk", "input": "What?", "previous_response_id": "<response>"},
    "BudgetAsked": {"usd": 1},
    "": None,
}
# What names no session answers with what is one's own.
OWN: Mapping[tuple[str, str], int] = {
    ("post", "/v1/sessions"): 201,
    ("get", "/v1/sessions"): 200,
    ("get", "/v1/questions"): 200,
    ("get", "/v1/agents"): 200,
    ("get", "/v1/models"): 200,
    ("get", "/v1/models/{model}"): 200,
    ("post", "/v1/chat/completions"): 200,
    ("get", "/v1/usage"): 200,
    ("get", "/v1/budgets"): 200,
    ("put", "/v1/budgets/{account}"): 200,
}
# What the document does not have: itself, what test_sockets.py asks as another tenant, and what is
# of the process and of no tenant.
ELSEWHERE = (
    "/v1/openapi.json",
    "/v1/sessions/{session}/ws",
    "/healthz",
    "/readyz",
    "/metrics",
)
ACCEPTED = ("application/json", "text/event-stream")


@dataclass(frozen=True)
class Ids:
    """All that a tenant has, by the name of the parameter that takes it."""

    session: Sequence[str]
    turn: Sequence[str]
    question: Sequence[str]
    artifact: Sequence[str]
    response_id: Sequence[str]
    account: Sequence[str]
    digest: str
    model: Sequence[str] = ("clerk",)


NOBODYS = Ids(("none",), ("2",), ("4",), ("0" * 64,), ("resp_none",), ("tenant/1",), "d")


@dataclass(frozen=True)
class Ask:
    """One thing that can be asked."""

    method: str
    path: str
    template: str
    body: Any

    @property
    def names_a_session(self) -> bool:
        return "{session}" in self.template or self.template.startswith("/v1/responses")


def asks(document: Mapping[str, Any], ids: Ids) -> list[Ask]:
    """Return every request that the document knows, with each of these ids."""
    found: list[Ask] = []
    for template, verbs in document["paths"].items():
        for method, operation in verbs.items():
            names = path_parameters(template, operation)
            known = (method, template) in OWN or "session" in names or "/responses" in template
            assert known, f"say in OWN what {method} {template} answers"
            body = filled(operation, ids)
            for values in product(*[getattr(ids, name) for name in names]):
                path = template.format(**dict(zip(names, values, strict=True)))
                found.append(Ask(method, path, template, body))
    return found


def path_parameters(template: str, operation: Mapping[str, Any]) -> list[str]:
    given = operation.get("parameters", [])
    needed = [each["name"] for each in given if each.get("required") and each["in"] != "path"]
    assert not needed, f"say here what {needed} of {template} may be"
    names = [each["name"] for each in given if each["in"] == "path"]
    strange = [name for name in names if name not in Ids.__dataclass_fields__]
    assert not strange, f"say in Ids what a tenant has of {strange} in {template}"
    return names


def filled(operation: Mapping[str, Any], ids: Ids) -> Any:
    content = operation.get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema", {}).get("$ref", "")
    name = schema.rpartition("/")[2]
    assert name in BODIES, f"say in BODIES what a {name} is"
    return json.loads(
        json.dumps(BODIES[name])
        .replace("<digest>", ids.digest)
        .replace("<response>", ids.response_id[0])
    )


async def furnish(app: FastAPI) -> Ids:
    """Give the first tenant sessions, turns, a question and a file."""
    turns: list[str] = []
    at = f"/v1/sessions/{SESSIONS[-1]}/turns"
    async with client(app) as ann:
        ann.headers.update(shown("annabel", "heron", "user"))
        for name in SESSIONS:
            said = {**ASK, "agent": "clerk"}
            where = f"/v1/sessions/{name}/turns"
            told = (await ann.post(where, json=said, params={"wait": 10})).json()
            turns.append(str(told["turn"]))
        put = await ann.post("/v1/sessions/one/artifacts", content=b"An otter.")
        paid = {"input": "Please pay.", "on_busy": "queue"}
        paused = (await ann.post(at, json=paid, params={"wait": 10})).json()
        body = {"model": "clerk", "input": ASK["input"]}
        response = (await ann.post("/v1/responses", json=body)).json()
        (asked,) = (await ann.get("/v1/questions")).json()["questions"]
    turns.append(str(paused["turn"]))
    return Ids(
        SESSIONS,
        turns,
        (str(asked["question"]),),
        (put.json()["artifact"],),
        (response["id"],),
        ACCOUNTS,
        asked["digest"],
    )


async def answers(
    app: FastAPI,
    headers: Mapping[str, str],
    asked: Sequence[Ask],
    accepted: Sequence[str] = ACCEPTED,
) -> list[tuple[Ask, int, str]]:
    found: list[tuple[Ask, int, str]] = []
    async with client(app) as someone:
        someone.headers.update(headers)
        for ask, accept in product(asked, accepted):
            taken = {"Accept": accept}
            said = await someone.request(ask.method, ask.path, json=ask.body, headers=taken)
            found.append((ask, said.status_code, said.text))
    return found


def told(text: str, ids: Ids) -> str:
    """Return what is said without the names that were asked for."""
    names = (*ids.session, *ids.turn, *ids.question, *ids.response_id)
    for name in sorted(names, key=len, reverse=True):
        text = text.replace(f"'{name}'", "_").replace(f"{name} is no", "_ is no")
    return text


@pytest.mark.parametrize("roles", [*ALL_ROLES, "+".join(ALL_ROLES)])
def test_nothing_of_another_tenant_is_told_or_changed(roles: str) -> None:
    async def story() -> None:
        async with house() as (runtime, app):
            ids = await furnish(app)
            before = await journal(runtime.store, "heron")
            money = await runtime.store.accounts("heron")
            who = shown("bob", "bittern", *roles.split("+"))
            document = app.openapi()
            nothing = await answers(app, who, asks(document, NOBODYS))
            missing = {(ask.method, ask.template): (code, said) for ask, code, said in nothing}
            for ask, code, said in await answers(app, who, asks(document, ids)):
                about = f"{ask.method} {ask.path}: {code} {said}"
                if ask.names_a_session:
                    of_none, said_of_none = missing[ask.method, ask.template]
                    assert code == of_none, about
                    assert code in {403, 404}, about
                    assert told(said, ids) == told(said_of_none, NOBODYS), about
                assert not any(word in said for word in SECRETS), about
            for ask, code, said in nothing:
                if ask.names_a_session and has_right(ask, roles):
                    assert code == 404, f"{ask.method} {ask.path}: {code} {said}"
            assert await journal(runtime.store, "heron") == before
            assert await runtime.store.accounts("heron") == money

    asyncio.run(story())


def has_right(ask: Ask, roles: str) -> bool:
    """Whether the roles give the right that it takes, so that only the session is missing."""
    if "/responses" in ask.template:
        return "user" in roles or "admin" in roles
    if ask.method == "get" or "admin" in roles or "/questions/" in ask.path:
        return True
    speaks = ("/turns", "/fork", "/artifacts")
    return "user" in roles if ask.template.endswith(speaks) else ask.template.endswith("cancel")


def test_what_is_another_user_s_is_not_there_for_who_may_only_speak() -> None:
    async def story() -> None:
        async with house() as (runtime, app):
            ids = await furnish(app)
            before = await journal(runtime.store, "heron")
            who = shown("bob", "heron", "user")
            for ask, code, said in await answers(app, who, asks(app.openapi(), ids)):
                about = f"{ask.method} {ask.path}: {code} {said}"
                if ask.template.endswith(OPERATED):
                    assert code == 403, about
                else:
                    assert code == OWN.get((ask.method, ask.template), 404), about
                assert not any(word in said for word in ("weir", "Paid", "otter", "annabel")), about
            after = await journal(runtime.store, "heron")
            assert [each for each in after if each[0].user == "annabel"] == before

    asyncio.run(story())


def test_who_may_see_is_not_given_more() -> None:
    async def story() -> None:
        async with house() as (runtime, app):
            ids = await furnish(app)
            before = await journal(runtime.store, "heron")
            who = shown("eve", "heron", "viewer")
            asked = asks(app.openapi(), ids)
            for ask, code, said in await answers(app, who, asked, ACCEPTED[:1]):
                reads = ask.method == "get" and "/responses" not in ask.template
                wanted = {200, 404} if reads else {403, 404}
                assert code in wanted, f"{ask.method} {ask.path}: {code} {said}"
            assert await journal(runtime.store, "heron") == before

    asyncio.run(story())


def test_a_name_that_two_tenants_have_is_two_sessions() -> None:
    async def story() -> None:
        async with house() as (runtime, app):
            ids = await furnish(app)
            before = await journal(runtime.store, "heron")
            async with client(app) as bob:
                bob.headers.update(shown("bob", "bittern", "admin"))
                said = {"input": "Mine.", "agent": "clerk"}
                for name in SESSIONS:
                    at = f"/v1/sessions/{name}/turns"
                    done = (await bob.post(at, json=said, params={"wait": 10})).json()
                    assert done["text"] == "You said: Mine."
                borrowed = {"type": "file", "artifact": ids.artifact[0], "tokens_max": 9}
                taken = await bob.post("/v1/sessions/one/turns", json={"input": [borrowed]})
                assert taken.status_code == 404, taken.text
                answered = {"approved": True, "digest": ids.digest}
                at = f"/v1/sessions/two/questions/{ids.question[0]}"
                who = shown("bea", "bittern", "approver")
                assert (await bob.post(at, json=answered, headers=who)).status_code == 404
                listed = (await bob.get("/v1/sessions")).json()["sessions"]
                assert {(each["session"], each["user"]) for each in listed} == {
                    ("one", "bob"),
                    ("two", "bob"),
                }
                for name in SESSIONS:
                    events = (await bob.get(f"/v1/sessions/{name}/events")).text
                    assert "Mine." in events
                    assert not any(word in events for word in SECRETS)
                assert (await bob.get("/v1/questions")).json() == {"questions": [], "next": None}
                for name in SESSIONS:
                    gone = await bob.delete(f"/v1/sessions/{name}")
                    assert gone.json() == {"erased": 1}
            assert await journal(runtime.store, "heron") == before

    asyncio.run(story())


def test_a_request_id_that_two_tenants_have_is_two_requests() -> None:
    async def story() -> None:
        async with house() as (_, app):
            said = {"input": "Mine.", "agent": "clerk"}
            receipts: list[Any] = []
            async with client(app) as both:
                for user, tenant in (("annabel", "heron"), ("bob", "bittern")):
                    who = {**shown(user, tenant, "user"), "Idempotency-Key": "k1"}
                    at = "/v1/sessions/one/turns"
                    receipts.append((await both.post(at, json=said, headers=who)).json())
            assert [each["repeated"] for each in receipts] == [False, False]

    asyncio.run(story())


def test_every_route_stands_in_the_document() -> None:
    async def story() -> None:
        async with house() as (_, app):
            paths = app.openapi()["paths"]
            routes = list(iter_route_contexts(app.routes))
            assert len(routes) > 15
            for route in routes:
                verbs = {each.lower() for each in route.methods or ()} - {"head"}
                path = route.path_format
                assert path in ELSEWHERE or verbs <= paths[path].keys(), path

    asyncio.run(story())
