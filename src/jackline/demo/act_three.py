"""Act 3: a real model, in the same runtime, with a tool on the real shop."""

from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass

from rich.markup import escape

from jackline.app import Runtime
from jackline.core.agent import Agent, Limits
from jackline.core.budget import dollars
from jackline.core.errors import DefinitionError
from jackline.core.events import ModelReplied, Record, ToolReturned, TurnCompleted, TurnFailed, kind
from jackline.demo.agent import look_up_order
from jackline.demo.folder import Folder
from jackline.demo.narration import Narration
from jackline.demo.payments import Payments
from jackline.demo.shop import open_shop
from jackline.demo.stage import Stage

LOCAL = "local"
QUESTION = "What did the customer of order 7 buy?"
SESSION = "real"
_TYPE_S = 12.0
_DRIVEN_S = 40.0
_WEAK = {"empty_reply", "output_invalid"}  # It was asked, and has nothing better to say.

Timeline = Callable[[Record], None]


@dataclass(frozen=True, slots=True)
class Real:
    """What the real model did. `problem` says what to do where it could not be asked."""

    model: str
    outcome: str = ""
    tool_calls: int = 0
    text: str = ""
    cost: str = ""
    problem: str = ""


async def act_three(stage: Stage, folder: Folder, model: str, timeline: Timeline) -> Real:
    """Let a real model answer a question, and show all of it as a timeline."""
    stage.act(3, "a real model", _promise(model))
    clerk = Agent(
        "clerk",
        model,
        instructions="You help the customers of a shop. Look an order up before you speak of it.",
        tools=[look_up_order],
        limits=Limits(driven_s=_DRIVEN_S, model_calls=6),
        max_tokens=256,
    )
    runtime = Runtime([clerk], store=folder.store, deps=open_shop(folder.shop, Payments(0)))
    try:
        async with runtime:
            asked = await stage.person.ask(
                "\nAsk about an order, from 1 to 200:", QUESTION, _TYPE_S
            )
            records = await _streamed(stage, runtime, asked)
    except DefinitionError as error:
        stage.say(f"[yellow]{escape(str(error))}[/yellow]")
        return Real(model, problem=str(error))
    stage.say("\nWhat the journal has of it, as `jackline events` shows it:")
    for record in records:
        timeline(record)
    return _summed_up(model, records)


def _promise(model: str) -> str:
    if model != LOCAL:
        return f"{model} answers, through the same runtime."
    return (
        "SmolLM2 with 135 million parameters runs in this process, on one thread: no key, no "
        "network. It is a demonstration model and often wrong. The runtime around it is not."
    )


async def _streamed(stage: Stage, runtime: Runtime, asked: str) -> list[Record]:
    stage.user(asked)
    records, narration = list[Record](), Narration()
    async with aclosing(runtime.stream("clerk", asked, session=SESSION)) as items:
        async for item in items:
            if isinstance(item, Record):
                records.append(item)
                if told := narration.told(item):
                    stage.note(told)
            else:
                stage.stream(item.text)
    stage.say("")
    return records


def _summed_up(model: str, records: list[Record]) -> Real:
    ended = records[-1].event
    done = ended.text if isinstance(ended, TurnCompleted) else ""
    problem = ""
    if isinstance(ended, TurnFailed) and ended.code not in _WEAK:
        problem = ended.text
    return Real(
        model,
        kind(type(ended).__name__),
        sum(isinstance(record.event, ToolReturned) for record in records),
        done,
        dollars(sum(x.event.cost for x in records if isinstance(x.event, ModelReplied))),
        problem,
    )
