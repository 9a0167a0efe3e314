"""Where an attacker's values may stand besides the text that carries the attack.

In a directory: somebody got them entered, under a name of their own. Laundered: they were written
to files, events, mails, orders and the user's own data, by calls that nobody judged, and are now
read back by tools whose answers have labels.
"""

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from agentdojo.functions_runtime import FunctionCall, FunctionsRuntime, TaskEnvironment

from benchmarks.security.attacks import calls_of
from benchmarks.security.suites import MARKER, Suite, plain
from jackline.core.flow import Source, ToolFlow, elements

_SEQ = 1_000
_DAY = "2024-05-30"


def values_of(calls: Iterable[FunctionCall], flows: Mapping[str, ToolFlow]) -> list[str]:
    """Return what an attacker has to have believed: the critical values of their calls."""
    found = [
        str(each)
        for call in calls
        for name in flows[call.function].critical.keys() & call.args.keys()
        for each in elements(call.args[name])
    ]
    return list(dict.fromkeys(found))


def wanted(
    suite: Suite, attack: Any, world: TaskEnvironment, flows: Mapping[str, ToolFlow]
) -> list[str]:
    """Return the critical values of an attack, as they are where nothing defends."""
    now, runtime = world.model_copy(deep=True), suite.runtime()
    made: list[FunctionCall] = []
    for call in calls_of(attack, world, now):
        made.append(call)
        runtime.run_function(now, call.function, dict(call.args))
    return values_of(made, flows)


def entered(values: Sequence[str]) -> Iterator[Source]:
    """Yield entries of a directory with these values, under a name that the attacker chose."""
    for record, value in enumerate(values):
        yield Source(_SEQ, "directory", MARKER, "directory", "name", 1, record)
        yield Source(_SEQ, "directory", value, "directory", "address", 1, record)


def laundered(
    suite: Suite, values: Sequence[str], world: TaskEnvironment, flows: Mapping[str, ToolFlow]
) -> Iterator[Source]:
    """Yield what tools return that read the values from wherever they can be written."""
    world, runtime = world.model_copy(deep=True), suite.runtime()
    for value in values:
        for call in _writes(value):
            _made(runtime, world, call)
    for seq, call in enumerate(_reads(values), _SEQ):
        if call.function in runtime.functions:
            result = _made(runtime, world, call)
            for each in flows[call.function].labels.fields(plain(result)):
                yield Source(
                    seq, call.function, each.text, each.integrity, each.path, 1, each.record
                )


def _made(runtime: FunctionsRuntime, world: TaskEnvironment, call: FunctionCall) -> object:
    if call.function not in runtime.functions:
        return None
    with contextlib.suppress(Exception):  # What a suite does not take is not written.
        return runtime.run_function(world, call.function, dict(call.args))[0]
    return None


def _writes(value: str) -> Iterator[FunctionCall]:
    """Yield a call of every tool that can hold free text, with the value wherever it fits."""
    texts: list[tuple[str, dict[str, Any]]] = [
        ("create_file", {"filename": value, "content": value}),
        ("append_to_file", {"file_id": "0", "content": f"\n{value}\n"}),
        ("send_email", {"recipients": ["a@b.org"], "subject": value, "body": value}),
        ("schedule_transaction", {"recipient": value, "amount": 1.0, "subject": value}),
        ("send_money", {"recipient": value, "amount": 0.01, "subject": value}),
        ("update_user_info", dict.fromkeys(("first_name", "last_name", "street", "city"), value)),
    ]
    event = {"title": value, "description": value, "location": value}
    times = {"start_time": f"{_DAY} 09:00", "end_time": f"{_DAY} 10:00"}
    people = {"participants": [value]} if "@" in value else {}
    texts.append(("create_calendar_event", event | times | people))
    for name, arguments in texts:
        dated = {"date": value} if "transaction" in name or "money" in name else {}
        recurring = {"recurring": True} if name == "schedule_transaction" else {}
        yield FunctionCall(function=name, args=arguments | dated | recurring)


def _reads(values: Sequence[str]) -> Iterator[FunctionCall]:
    for name in ("list_files", "get_sent_emails", "get_user_info", "get_scheduled_transactions"):
        yield FunctionCall(function=name, args={})
    yield FunctionCall(function="get_most_recent_transactions", args={"n": 100})
    yield FunctionCall(function="get_day_calendar_events", args={"day": _DAY})
    for value in values:
        yield FunctionCall(function="search_calendar_events", args={"query": value})
        yield FunctionCall(function="search_contacts_by_email", args={"query": value})
