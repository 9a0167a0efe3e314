from hashlib import sha256
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.values import values

from jackline.core import fold, session
from jackline.core.admission import AT_REST, Standing
from jackline.core.breaker import Circuit
from jackline.core.codec import (
    FOLD_VERSION,
    Codec,
    decode,
    encode,
    erased,
    pack,
    pack_rate,
    unpack,
    unpack_buckets,
    unpack_standing,
)
from jackline.core.errors import StoreError
from jackline.core.events import (
    Erased,
    Event,
    Principal,
    SessionId,
    TurnCancelRequested,
    TurnResumed,
    TurnSubmitted,
    kind,
)
from jackline.core.messages import Text
from jackline.core.pace import Pace
from jackline.core.rates import Buckets, Rate, admit
from jackline.core.session import Session

KINDS: tuple[type[Any], ...] = get_args(Event)
EVENTS = st.sampled_from(KINDS).flatmap(values)
# Whoever changes what the fold makes of a journal packs snapshots that older ones cannot read,
# or would read otherwise: raise FOLD_VERSION, and write the new pair here.
FOLDED = (6, "6ed994bd3ee565a3")


@given(EVENTS)
def test_every_event_comes_back_from_its_bytes(event: Event) -> None:
    body = encode(event)
    assert decode(body) == event
    assert msgspec.json.decode(body)["type"] == kind(type(event).__name__)


@given(EVENTS)
def test_every_event_leaves_a_tombstone_that_says_nothing_but_its_kind(event: Event) -> None:
    stone = erased(encode(event))
    assert erased(stone) == stone
    gone = decode(stone)
    assert isinstance(gone, Erased)
    if not isinstance(event, Erased):
        assert gone.kind == kind(type(event).__name__)


def test_names_are_the_wire_s_and_no_two_are_alike() -> None:
    names = [kind(each.__name__) for each in KINDS]
    assert len(set(names)) == len(names)
    assert kind("TurnCancelRequested") == "turn.cancel_requested"
    assert kind("Erased") == "erased"


def test_an_old_body_is_brought_up_to_date_step_by_step() -> None:
    def renamed(body: dict[str, Any]) -> dict[str, Any]:
        return {"type": body["type"], "why": body["because"]}

    def renamed_again(body: dict[str, Any]) -> dict[str, Any]:
        return {"type": body["type"], "reason": body["why"]}

    codec = Codec({"turn.resumed": {1: renamed, 2: renamed_again}})
    resumed = TurnResumed("it is there")
    assert codec.decode(b'{"type":"turn.resumed","v":1,"because":"it is there"}') == resumed
    assert codec.decode(b'{"type":"turn.resumed","v":2,"why":"it is there"}') == resumed
    assert codec.encode(resumed) == b'{"type":"turn.resumed","v":3,"reason":"it is there"}'
    assert codec.decode(codec.encode(resumed)) == resumed


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'{"type":"turn.resumed","v":2,"reason":"x"}', "newer jackline: upgrade"),
        (b'{"type":"turn.forgotten","v":1}', "'turn.forgotten' are unknown"),
        (b'{"type":"turn.resumed","reason":"x"}', "unknown"),
        (b'{"type":"turn.resumed","v":"1","reason":"x"}', "unknown"),
        (b'{"type":"turn.resumed","v":1,"reason":7}', "cannot be read"),
        (b'{"type":"turn.resumed","v":1}', "cannot be read"),
        (b'{"type":"turn.resumed","v":1,"rea', "cannot be read"),
        (b"[]", "cannot be read"),
        (b"", "cannot be read"),
        (b"\xff\xfe", "cannot be read"),
    ],
)
def test_what_this_version_cannot_read_whole_is_refused(body: bytes, why: str) -> None:
    with pytest.raises(StoreError, match=why):
        decode(body)


def test_the_order_of_a_body_s_fields_does_not_matter() -> None:
    assert decode(b'{"reason":"x","v":1,"type":"turn.resumed"}') == TurnResumed("x")
    assert decode(b'{"type":"turn.cancel_requested","v":1}') == TurnCancelRequested()


def test_an_old_body_is_erased_like_any_other() -> None:
    event = TurnSubmitted("r", (Text("secret"),), Principal("u"))
    assert b"secret" not in erased(encode(event))


@pytest.mark.parametrize("packed", [b"", b"\xc1", b"\x92\x01\xc0", b"{}"])
def test_what_is_no_snapshot_of_this_fold_is_none(packed: bytes) -> None:
    assert unpack(packed) is None


def test_a_snapshot_of_another_version_of_the_fold_is_none() -> None:
    version, *folded = msgspec.msgpack.decode(pack(Session(SessionId("t", "s"))))
    assert unpack(msgspec.msgpack.encode((version, *folded))) is not None
    assert unpack(msgspec.msgpack.encode((version + 1, *folded))) is None


def test_a_changed_fold_has_a_version_of_its_own() -> None:
    sources = [*sorted(Path(fold.__file__).parent.glob("*.py")), Path(session.__file__)]
    told = sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:16]
    assert (FOLD_VERSION, told) == FOLDED


def test_what_is_remembered_of_rates_is_read_back_and_what_cannot_be_read_is_none() -> None:
    standing = Standing(Circuit((1.0, 2.5)), Pace(1.0, 2.0, 3.0))
    quotas = Rate(tokens_per_minute=5, requests_per_minute=5).quotas
    buckets, wait_s = admit(quotas, Buckets(), 3, 1.5)
    assert wait_s == 0
    assert unpack_standing(pack_rate(standing)) == standing
    assert unpack_buckets(pack_rate(buckets)) == buckets
    for nothing in (b"", b"\xc1"):
        assert (unpack_standing(nothing), unpack_buckets(nothing)) == (AT_REST, Buckets())
