"""Ids of traces: the caller's, or the same for everybody who asks again."""

import pytest

from jackline.core.events import Principal, SessionId, TurnSteered, TurnSubmitted
from jackline.core.traces import Trace, span_of, trace_of

S = SessionId("acme", "s")
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def said(traceparent: str) -> TurnSubmitted:
    return TurnSubmitted("r", (), Principal("u"), traceparent=traceparent)


@pytest.mark.parametrize(("flags", "sampled"), [("01", True), ("00", False), ("03", True)])
def test_a_caller_s_trace_goes_on(flags: str, sampled: bool) -> None:  # noqa: FBT001 - a parameter
    found = trace_of(S, 2, said(f"00-{TRACE}-{PARENT}-{flags}"))
    assert found == Trace(int(TRACE, 16), int(PARENT, 16), sampled)
    assert found.hex == TRACE


@pytest.mark.parametrize(
    "given",
    [
        "",
        "nonsense",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
    ],
)
def test_what_is_no_traceparent_gets_a_trace_that_everybody_finds_again(given: str) -> None:
    found = trace_of(S, 2, said(given))
    assert found == trace_of(S, 2, TurnSteered("r", (), Principal("u")))
    assert (found.parent, found.sampled) == (0, True)
    assert 0 < found.id < 1 << 128


def test_other_turns_sessions_and_tenants_have_other_ids() -> None:
    sessions = S, SessionId("acme", "t"), SessionId("other", "s"), SessionId("acmes", "")
    traces = {trace_of(session, turn, said("")).id for session in sessions for turn in (2, 3)}
    spans = {span_of(session, step) for session in sessions for step in ("turn/2", "turn/3")}
    assert len(traces) == len(spans) == 8
    assert all(0 < span < 1 << 64 for span in spans)
