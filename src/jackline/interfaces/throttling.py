"""How often somebody who is known may ask: by key, and by tenant, in one process."""

from collections.abc import Sequence

from jackline.core.errors import ThrottledError
from jackline.core.rates import Quota
from jackline.interfaces.identity import Caller, Identity
from jackline.ports import Clock

_KEPT_MAX = 20_000


class Throttle:
    """Counts who asks. Nobody has more than a quota at once, nor more than its rate for long.

    Of each it remembers one time: when what was asked would be spent at the quota's rate (the
    generic cell rate algorithm, ITU-T I.371). Who has rested is forgotten.
    """

    def __init__(self, of_key: Quota | None, of_tenant: Quota | None, clock: Clock) -> None:
        self._of_key = of_key
        self._of_tenant = of_tenant
        self._clock = clock
        self._spent_at: dict[tuple[str, str], float] = {}

    def __len__(self) -> int:
        """Of how many something is remembered."""
        return len(self._spent_at)

    def take(self, caller: Caller) -> None:
        """Count a request. Raises `ThrottledError`, and counts none, where it is one too many."""
        now, tenant = self._clock(), caller.user.tenant
        asked = ((tenant, caller.key), self._of_key), ((tenant, ""), self._of_tenant)
        taken: dict[tuple[str, str], float] = {}
        for name, quota in asked:
            if quota is None:
                continue
            each_s = quota.window_s / quota.amount
            spent_at = max(now, self._spent_at.get(name, now)) + each_s
            if spent_at > now + quota.window_s + each_s / 2:  # Half of one is rounding.
                whose = f"tenant {tenant!r}" if not name[1] else f"{caller.key!r}"
                raise ThrottledError(
                    f"Too many requests of {whose}: {quota.amount:,} in {quota.window_s:g} s are "
                    "taken here.",
                    spent_at - now - quota.window_s,
                )
            taken[name] = spent_at
        self._spent_at.update(taken)
        if len(self._spent_at) > _KEPT_MAX:
            self._forget(now)

    def _forget(self, now: float) -> None:
        """Forget who has rested, and of the others those who have spent least."""
        busy = sorted((at, name) for name, at in self._spent_at.items() if at > now)
        self._spent_at = {name: at for at, name in busy[-_KEPT_MAX // 2 :]}


class Throttled:
    """An identity whose callers come no more often than they may."""

    def __init__(self, identity: Identity, throttle: Throttle) -> None:
        self.identity = identity
        self._throttle = throttle

    async def caller(self, credentials: str) -> Caller | None:
        """See `Identity.caller`. Raises `ThrottledError`."""
        caller = await self.identity.caller(credentials)
        if caller:
            self._throttle.take(caller)
        return caller


def uncounted(identities: Sequence[Identity]) -> Sequence[Identity]:
    """Return the same, for who has been counted: somebody whose stream is open asks nothing."""
    return [each.identity if isinstance(each, Throttled) else each for each in identities]
