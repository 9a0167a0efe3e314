"""Tokens of a provider: whom it names comes in, and whoever makes one up stays out."""

import asyncio
import base64
import hashlib
import hmac
import json
import warnings
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import jwt
import pytest
from tests.interfaces import issuer
from tests.interfaces.issuer import AUDIENCE, claims, keys, now, public, rsa_key, token
from tests.interfaces.served import bearer, clerk, served
from tests.wire.server import Answer, Wire
from tests.wire.server import serving as wire

from jackline import Runtime
from jackline.core.errors import DefinitionError, ProviderError, UnauthenticatedError
from jackline.core.user import User
from jackline.interfaces import jwks
from jackline.interfaces.identity import Caller
from jackline.interfaces.tokens import LEEWAY_S, Provider, TokenIdentity
from jackline.opening import awake_clock
from jackline.serving import identities
from jackline.settings import Settings
from jackline.testing.conformance import ManualClock

ONE = keys(public(rsa_key(), "k1", use="sig", alg="RS256"))
Story = Callable[["Desk"], Awaitable[None]]


class Desk:
    """A provider, and who takes its tokens."""

    def __init__(self, at: Wire, clock: ManualClock, **more: str) -> None:
        self.wire = at
        self.clock = clock
        self.issuer = at.url
        provider = Provider(at.url, AUDIENCE, **{"jwks_url": f"{at.url}/keys", **more})
        self.identity = TokenIdentity(provider, clock, {"boss": ("operator",)})

    def token(self, key: Any = None, kid: str | None = "k1", **said: Any) -> str:
        return token(claims(self.issuer, **said), key, kid)

    async def caller(self, shown: str) -> Caller | None:
        return await self.identity.caller(shown)

    async def refused(self, shown: str) -> str:
        with pytest.raises(UnauthenticatedError) as raised:
            await self.identity.caller(shown)
        assert shown not in str(raised.value)
        return str(raised.value)


def tell(story: Story, *answers: Answer, **more: str) -> None:
    async def run() -> None:
        async with wire(*(answers or (ONE,))) as at:
            await story(Desk(at, ManualClock(), **more))

    asyncio.run(run())


def test_whom_a_token_names_is_who_comes() -> None:
    async def story(desk: Desk) -> None:
        shown = desk.token(roles=["user", "boss"])
        user = User("ann", "acme", {"user", "boss", "operator"})
        assert await desk.caller(shown) == Caller(user, "token:acme/ann")
        assert await desk.caller(desk.token(roles="user viewer", sub="bob")) == Caller(
            User("bob", "acme", {"user", "viewer"}), "token:acme/bob"
        )
        nobody = await desk.caller(desk.token(roles=None))
        assert nobody
        assert not nobody.may("say")
        assert await desk.caller("") is None
        assert await desk.caller("jl_key") is None
        assert len(desk.wire.asked) == 1

    tell(story)


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (rsa_key(), "RS512"),
        (rsa_key(), "PS256"),
        (issuer.elliptic_key(), "ES256"),
        (issuer.edwards_key(), "EdDSA"),
    ],
)
def test_algorithms_of_two_keys_are_taken_for_keys_that_are_for_them(
    key: issuer.Private, algorithm: str
) -> None:
    async def story(desk: Desk) -> None:
        assert await desk.caller(token(claims(desk.issuer), key, "k1", algorithm))

    tell(story, keys(public(key, "k1")))


def test_the_issuer_says_where_its_keys_are_when_nobody_else_does() -> None:
    async def run() -> None:
        async with wire(Answer()) as at:
            at.answers = (
                issuer.answer({"issuer": at.url, "jwks_uri": f"{at.url}/elsewhere"}),
                ONE,
            )
            desk = Desk(at, ManualClock(), jwks_url="")
            assert await desk.caller(desk.token())
            asked = [each.path for each in at.asked]
            assert asked == ["/.well-known/openid-configuration", "/elsewhere"]

    asyncio.run(run())


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://somebody.else", "jwks_uri": "https://somebody.else/keys"},
        {"jwks_uri": "https://somebody.else/keys"},
        {"issuer": "ours", "jwks_uri": "http://192.0.2.1/keys"},
        {"issuer": "ours", "jwks_uri": "file:///etc/passwd"},
        {"issuer": "ours", "jwks_uri": 7},
        {"issuer": "ours"},
        [],
    ],
)
def test_a_document_that_is_of_another_issuer_or_leads_astray_is_not_followed(
    document: Any,
) -> None:
    async def run() -> None:
        async with wire(Answer()) as at:
            told = json.loads(json.dumps(document).replace("ours", at.url))
            at.answers = (issuer.answer(told),)
            desk = Desk(at, ManualClock(), jwks_url="")
            with pytest.raises(ProviderError):
                await desk.caller(desk.token())
            assert len(at.asked) == 1

    asyncio.run(run())


def encoded(part: Any) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def forged(header: Any, said: Any, secret: bytes | None = None) -> str:
    """Return a token that nobody has signed, or with a secret that everybody knows."""
    body = f"{encoded(header)}.{encoded(said)}"
    signature = b"" if secret is None else hmac.digest(secret, body.encode(), hashlib.sha256)
    return f"{body}.{encoded(signature)}"


def test_a_token_that_nobody_has_signed_is_refused_whatever_its_header_says() -> None:
    async def story(desk: Desk) -> None:
        said = claims(desk.issuer, roles=["admin"])
        for name in ("none", "None", "NONE", "nOnE", "", None, 7, ["RS256"]):
            for kid in ("k1", "", None, 7, ["k1"], {"k1": 1}):
                await desk.refused(forged({"alg": name, "kid": kid, "typ": "JWT"}, said))
        body = desk.token().rpartition(".")[0]
        await desk.refused(f"{body}.")
        await desk.refused(f"{body}.{encoded(b'0' * 256)}")

    tell(story)


def test_the_public_key_is_no_secret_to_sign_with() -> None:
    async def story(desk: Desk) -> None:
        said = claims(desk.issuer, roles=["admin"])
        for algorithm in ("HS256", "HS384", "HS512"):
            for secret in (issuer.pem(rsa_key()), json.dumps(public(rsa_key(), "k1")).encode()):
                header = {"alg": algorithm, "kid": "k1", "typ": "JWT"}
                told = await desk.refused(forged(header, said, secret))
                assert told == "This token does not hold: InvalidAlgorithmError."

    tell(story)


def test_a_secret_key_that_a_provider_publishes_is_not_used() -> None:
    secret = b"a secret that everybody can read, as it is published"
    oct_key = {"kty": "oct", "kid": "k1", "k": encoded(secret), "alg": "HS256"}

    async def story(desk: Desk) -> None:
        header = {"alg": "HS256", "kid": "k1"}
        await desk.refused(forged(header, claims(desk.issuer), secret))
        assert await desk.caller(desk.token(kid="k2"))

    tell(story, keys(oct_key, public(rsa_key(), "k2")))


def test_a_key_in_the_token_itself_or_at_a_place_that_it_names_is_not_used() -> None:
    async def story(desk: Desk) -> None:
        mine = rsa_key(1)
        headers = {
            "kid": "k9",
            "jwk": public(mine, "k9"),
            "jku": f"{desk.wire.url}/mine",
            "x5u": f"{desk.wire.url}/mine",
        }
        told = await desk.refused(jwt.encode(claims(desk.issuer), mine, "RS256", headers))
        assert told == "Nobody whom we know has signed this token."
        assert [each.path for each in desk.wire.asked] == ["/keys"]
        await desk.refused(desk.token(mine))

    tell(story)


def test_a_key_signs_with_its_own_algorithm_only() -> None:
    async def story(desk: Desk) -> None:
        told = await desk.refused(token(claims(desk.issuer), rsa_key(), "k1", "RS384"))
        assert told == "This token does not hold: InvalidAlgorithmError."

    tell(story)


def test_keys_for_encryption_private_keys_and_weak_ones_sign_nothing() -> None:
    weak = rsa_key(7, 1024)

    async def story(desk: Desk) -> None:
        for kid in ("enc", "private", "weak"):
            key = weak if kid == "weak" else rsa_key()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Who signs is told that the key is weak.
                shown = desk.token(key, kid)
            await desk.refused(shown)
        assert await desk.caller(desk.token(kid="good"))

    tell(
        story,
        keys(
            public(rsa_key(), "enc", use="enc"),
            public(rsa_key(), "private", d="AQAB"),
            public(weak, "weak"),
            {"kid": "odd", "kty": "AKP"},
            {"kid": "broken", "kty": "RSA", "n": 7, "e": None},
            {},
            public(rsa_key(), "good"),
        ),
    )


TIMES = ("exp", "nbf", "iat")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"exp": -LEEWAY_S - 5}, "This token has expired."),
        ({"exp": None}, "MissingRequiredClaimError"),
        ({"exp": "soon"}, "DecodeError"),
        ({"exp": 1e400}, "This token does not hold"),
        ({"nbf": 3_600}, "ImmatureSignatureError"),
        ({"iat": 3_600}, "ImmatureSignatureError"),
        ({"aud": "somebody else"}, "InvalidAudienceError"),
        ({"aud": ["a", "b"]}, "InvalidAudienceError"),
        ({"aud": None}, "MissingRequiredClaimError"),
        ({"aud": AUDIENCE.upper()}, "InvalidAudienceError"),
        ({"iss": "https://somebody.else"}, "InvalidIssuerError"),
        ({"iss": None}, "MissingRequiredClaimError"),
        ({"tenant": None}, "it lacks 'tenant'"),
        ({"tenant": ["acme"]}, "it lacks 'tenant'"),
        ({"tenant": ""}, "names nobody"),
        ({"tenant": "a/b"}, "names nobody"),
        ({"sub": None}, "it lacks 'sub'"),
        ({"sub": "x" * 201}, "names nobody"),
        ({"roles": {"user": 1}}, "'roles' is no list of at most 100 roles"),
        ({"roles": [7]}, "'roles' is no list"),
        ({"roles": 7}, "'roles' is no list"),
        ({"roles": ["x" * 201]}, "'roles' is no list"),
        ({"roles": ["x"] * 101}, "'roles' is no list"),
    ],
)
def test_what_a_token_has_to_say_it_says(said: dict[str, Any], told: str) -> None:
    async def story(desk: Desk) -> None:
        times = {name: now() + said[name] for name in TIMES if isinstance(said.get(name), int)}
        assert told in await desk.refused(desk.token(**{**said, **times}))

    tell(story)


def test_clocks_may_differ_a_little() -> None:
    async def story(desk: Desk) -> None:
        assert await desk.caller(desk.token(exp=now() - LEEWAY_S + 10))
        assert await desk.caller(desk.token(nbf=now() + LEEWAY_S - 10))
        assert await desk.caller(desk.token(aud=["other", AUDIENCE]))
        assert LEEWAY_S <= 60

    tell(story)


def test_claims_have_the_names_that_are_said_and_may_stand_within_others() -> None:
    more = {
        "tenant_claim": "https://acme.example/org",
        "user_claim": "email",
        "role_claim": "realm_access.roles",
    }

    async def story(desk: Desk) -> None:
        said: dict[str, Any] = {
            "https://acme.example/org": "globex",
            "email": "ann@globex.example",
            "realm_access": {"roles": ["viewer"]},
        }
        caller = await desk.caller(desk.token(**said))
        assert caller
        assert caller.user == User("ann@globex.example", "globex", {"viewer"})
        odd: dict[str, Any] = {**said, "realm_access": {"roles": {"a": 1}}}
        await desk.refused(desk.token(**odd))
        odd = {**said, "realm_access": "x"}
        none = await desk.caller(desk.token(**odd))
        assert none
        assert none.user.roles == frozenset()

    tell(story, **more)


def test_without_a_claim_of_the_tenant_all_are_of_one() -> None:
    async def story(desk: Desk) -> None:
        caller = await desk.caller(desk.token(tenant="globex"))
        assert caller
        assert caller.user.tenant == "mine"

    tell(story, tenant_claim="", tenant="mine")


def test_what_is_no_token_is_refused_and_nobody_is_asked() -> None:
    async def story(desk: Desk) -> None:
        for shown in (
            "..",
            "a.b.c",
            ".é.",
            "x" * 9_000 + "." + "y" * 9_000 + ".z",
            f"{encoded(b'[' * 5_000)}.e30.",
            f"{encoded([])}.e30.",
            f"{encoded(b'{')}.e30.",
        ):
            await desk.refused(shown)
        assert desk.wire.asked == []

    tell(story)


def test_a_flood_of_unknown_keys_asks_the_provider_once_in_a_while() -> None:
    async def story(desk: Desk) -> None:
        assert await desk.caller(desk.token())
        flood = [desk.token(rsa_key(1), f"k{number}") for number in range(100, 150)]
        for _ in range(2):
            async with asyncio.TaskGroup() as group:
                for shown in flood:
                    group.create_task(desk.refused(shown))
        assert len(desk.wire.asked) == 1, "it was asked just now"
        desk.clock.advance(jwks.RETRY_S)
        async with asyncio.TaskGroup() as group:
            for shown in flood:
                group.create_task(desk.refused(shown))
            group.create_task(desk.caller(desk.token()))
        assert len(desk.wire.asked) == 2

    tell(story)


def test_a_new_key_of_the_provider_is_known_within_seconds() -> None:
    both = keys(public(rsa_key(), "k1"), public(rsa_key(1), "k2"))

    async def story(desk: Desk) -> None:
        assert await desk.caller(desk.token())
        await desk.refused(desk.token(rsa_key(1), "k2"))
        desk.clock.advance(jwks.RETRY_S)
        assert await desk.caller(desk.token(rsa_key(1), "k2"))

    tell(story, ONE, both)


def test_a_key_that_the_provider_withdraws_is_believed_for_a_few_minutes() -> None:
    async def story(desk: Desk) -> None:
        assert await desk.caller(desk.token())
        desk.clock.advance(jwks.REFRESH_S - 1)
        assert await desk.caller(desk.token())
        desk.clock.advance(1)
        await desk.refused(desk.token())
        assert jwks.REFRESH_S <= 600

    tell(story, ONE, keys(public(rsa_key(1), "k2")))


def test_while_the_provider_is_away_its_keys_are_believed_for_an_hour() -> None:
    async def story(desk: Desk) -> None:
        assert await desk.caller(desk.token())
        desk.clock.advance(jwks.BELIEVED_S - 1)
        assert await desk.caller(desk.token())
        desk.clock.advance(1)
        with pytest.raises(ProviderError):
            await desk.caller(desk.token())

    tell(story, ONE, Answer(status=500))


HUGE = Answer([b"x" * (1 << 20)] * 100)
BOMB = Answer([b"x"], headers={"content-encoding": "gzip"})


@pytest.mark.parametrize(
    "answers",
    [
        [HUGE],
        [BOMB],
        [Answer([b'{"keys": [']), ONE],
        [Answer([b"{}"])],
        [Answer([b'{"keys": {}}'])],
        [Answer([b'{"keys": [7]}'])],
        [Answer([b"[" * 100_000])],
        [Answer(status=302, headers={"location": "/keys"}), ONE],
        [Answer(status=404)],
        [Answer([b'{"keys": []}'], end="reset")],
    ],
)
def test_what_is_no_set_of_keys_is_not_taken_for_one(answers: Sequence[Answer]) -> None:
    async def story(desk: Desk) -> None:
        for _ in range(3):
            with pytest.raises(ProviderError) as raised:
                await desk.caller(desk.token())
            assert desk.wire.url not in str(raised.value)
        assert len(desk.wire.asked) == 1, "it is not asked again at once"

    tell(story, *answers)


def test_a_provider_that_never_answers_holds_up_nobody_whose_key_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jwks, "ANSWER_S", 0.5)

    async def story(desk: Desk) -> None:
        assert await desk.caller(desk.token())
        desk.wire.called.clear()
        desk.clock.advance(jwks.REFRESH_S)
        async with asyncio.TaskGroup() as group:
            waits = group.create_task(desk.refused(desk.token(rsa_key(1), "k2")))
            await desk.wire.called.wait()
            began = awake_clock()
            for _ in range(10):
                assert await desk.caller(desk.token())
            assert not waits.done()
            assert awake_clock() < began + 0.5
        assert len(desk.wire.asked) == 2

    tell(story, ONE, Answer(end="hang"))


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"oidc_issuer": "http://issuer.example", "oidc_audience": "x"}, "write https://"),
        ({"oidc_issuer": "issuer", "oidc_audience": "x"}, "write https://"),
        ({"oidc_issuer": "https://issuer.example"}, "say oidc_audience"),
        (
            {
                "oidc_issuer": "https://issuer.example",
                "oidc_audience": "x",
                "oidc_jwks_url": "ftp://issuer.example",
            },
            "write https://",
        ),
        (
            {
                "oidc_issuer": "https://issuer.example",
                "oidc_audience": "x",
                "oidc_user_claim": "",
            },
            "oidc_user_claim",
        ),
    ],
)
def test_a_provider_that_nobody_could_believe_is_refused(
    settings: dict[str, str], told: str
) -> None:
    async def run() -> None:
        async with Runtime([clerk()], store="memory://") as runtime:
            with pytest.raises(DefinitionError, match=told):
                await identities(Settings.model_validate(settings), runtime.store)

    asyncio.run(run())


def test_tokens_and_keys_open_the_same_server() -> None:
    async def run() -> list[int]:
        async with wire(ONE) as at, Runtime([clerk()], store="memory://") as runtime:
            settings = Settings(
                oidc_issuer=at.url, oidc_audience=AUDIENCE, oidc_jwks_url=f"{at.url}/keys"
            )
            known = await identities(settings, runtime.store)
            async with served(runtime, known) as web:
                shown = [
                    token(claims(at.url)),
                    token(claims(at.url, roles=["support"])),
                    token(claims(at.url), rsa_key(1)),
                    "jl_nothing",
                    "nothing",
                ]
                found = [await web.get("/v1/sessions", headers=bearer(each)) for each in shown]
                assert all(each.headers.get("www-authenticate") == "Bearer" for each in found[2:])
                return [each.status_code for each in found]

    assert asyncio.run(run()) == [200, 403, 401, 401, 401]
