"""What a worker does because it is one of several."""

import asyncio
import math
from contextlib import closing

import pytest

from jackline.adapters.postgres.store import PostgresStore, open_postgres
from jackline.core.events import Event, SessionId, TurnCompleted, TurnPaused
from jackline.ports import Batch, Presence
from jackline.runtime.fleet import Post
from jackline.testing.conformance.world import LEASE_S, driven

ASIDE = TurnPaused("version", None, "No worker serves it.")
BROKEN, WHOLE = SessionId("acme", "broken"), SessionId("acme", "whole")


async def set_aside(store: PostgresStore, session: SessionId, *events: Event) -> None:
    """Have a session that waits for its version."""
    await driven(store, session)
    batch = Batch(1, 3, events, 2, release=True, due_at=math.inf, version="v1")
    await store.drive(session, batch, LEASE_S)


def test_a_history_that_cannot_be_folded_ends_no_worker_and_holds_up_no_other_session(
    postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(store: PostgresStore) -> None:
        await set_aside(store, BROKEN, TurnCompleted(2, "of a turn that is then paused"), ASIDE)
        await set_aside(store, WHOLE, ASIDE)
        post = Post(store, store, Presence("one", {"support": "v1"}, 5, LEASE_S))
        assert await post.served_again() == [WHOLE]
        assert await post.served_again() == []
        assert caplog.text.count("acme/broken stays set aside") == 1

    with closing(open_postgres(postgres_url)) as store:
        asyncio.run(asyncio.wait_for(story(store), 30))
