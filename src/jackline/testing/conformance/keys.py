"""What a store promises of API keys."""

from collections.abc import Awaitable, Callable

from jackline.core.errors import ConflictError, NotFoundError
from jackline.ports import ApiKey, KeyFound, Keys
from jackline.testing.conformance.world import ManualClock, raises

KeysPromise = Callable[[Keys, ManualClock], Awaitable[None]]

_ANN = ApiKey("jl_1", "nightly job", "acme", "ann", ("user", "support"), ("say", "see"))
_BOB = ApiKey("jl_2", "back office", "other", "bob", ("admin",))
_HASH, _OTHER = b"h" * 32, b"o" * 32


async def _a_key_is_found_as_it_was_made(keys: Keys, clock: ManualClock) -> None:
    made = await keys.add(_ANN, _HASH, 60.0)
    assert made == ApiKey(
        "jl_1", "nightly job", "acme", "ann", ("user", "support"), ("say", "see"), 1_000.0, 1_060.0
    )
    clock.advance(10)
    found = await keys.find("jl_1")
    assert found
    assert found == KeyFound(made, _HASH, 1_010.0)
    assert found.lives_s == 50.0


async def _a_key_without_an_end_or_scopes_has_none(keys: Keys, clock: ManualClock) -> None:
    made = await keys.add(_BOB, _HASH, None)
    assert (made.expires_at, made.scopes, made.revoked_at) == (None, None, None)
    clock.advance(1e9)
    found = await keys.find("jl_2")
    assert found
    assert found.key == made
    assert found.lives_s is None


async def _a_key_of_no_scopes_may_nothing(keys: Keys, _: ManualClock) -> None:
    await keys.add(ApiKey("jl_3", "", "acme", "ann", ("user",), ()), _HASH, None)
    found = await keys.find("jl_3")
    assert found
    assert found.key.scopes == ()


async def _an_expired_key_is_found_and_holds_no_longer(keys: Keys, clock: ManualClock) -> None:
    await keys.add(_ANN, _HASH, 60.0)
    clock.advance(60)
    found = await keys.find("jl_1")
    assert found
    assert found.lives_s == 0.0


async def _an_id_names_one_key(keys: Keys, _: ManualClock) -> None:
    await keys.add(_ANN, _HASH, None)
    with raises(ConflictError):
        await keys.add(ApiKey("jl_1", "mine", "other", "bob"), _OTHER, None)
    found = await keys.find("jl_1")
    assert found
    assert (found.digest, found.key.tenant) == (_HASH, "acme")


async def _what_was_never_made_is_not_found(keys: Keys, _: ManualClock) -> None:
    await keys.add(_ANN, _HASH, None)
    for unknown in ("", "jl_", "JL_1", "jl_1 ", "jl_%", "'; --"):
        assert await keys.find(unknown) is None, unknown


async def _a_key_that_holds_no_longer_was_still_made(keys: Keys, clock: ManualClock) -> None:
    assert not await keys.exist()
    await keys.add(_ANN, _HASH, 1.0)
    assert await keys.exist()
    await keys.revoke("acme", "jl_1")
    clock.advance(10)
    assert await keys.exist()


async def _a_tenant_sees_its_own_keys_latest_first(keys: Keys, clock: ManualClock) -> None:
    first = await keys.add(_ANN, _HASH, None)
    await keys.add(_BOB, _OTHER, None)
    clock.advance(1)
    second = await keys.add(ApiKey("jl_0", "again", "acme", "ann"), _OTHER, None)
    assert await keys.listed("acme") == [second, first]
    assert await keys.listed("nobody") == []


async def _a_revoked_key_holds_no_longer_and_once_more_changes_nothing(
    keys: Keys, clock: ManualClock
) -> None:
    await keys.add(_ANN, _HASH, None)
    clock.advance(5)
    revoked = await keys.revoke("acme", "jl_1")
    assert revoked.revoked_at == 1_005.0
    clock.advance(5)
    assert await keys.revoke("acme", "jl_1") == revoked
    found = await keys.find("jl_1")
    assert found
    assert found.lives_s == 0.0
    assert await keys.listed("acme") == [revoked]


async def _a_tenant_cannot_revoke_the_key_of_another(keys: Keys, _: ManualClock) -> None:
    await keys.add(_ANN, _HASH, None)
    for tenant, key in (("other", "jl_1"), ("acme", "jl_2")):
        with raises(NotFoundError):
            await keys.revoke(tenant, key)
    found = await keys.find("jl_1")
    assert found
    assert found.key.revoked_at is None


KEYS: tuple[KeysPromise, ...] = (
    _a_key_is_found_as_it_was_made,
    _a_key_without_an_end_or_scopes_has_none,
    _a_key_of_no_scopes_may_nothing,
    _an_expired_key_is_found_and_holds_no_longer,
    _an_id_names_one_key,
    _what_was_never_made_is_not_found,
    _a_key_that_holds_no_longer_was_still_made,
    _a_tenant_sees_its_own_keys_latest_first,
    _a_revoked_key_holds_no_longer_and_once_more_changes_nothing,
    _a_tenant_cannot_revoke_the_key_of_another,
)
