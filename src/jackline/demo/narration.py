"""What is told of a turn while it runs: `jackline events` tells the whole of it afterwards."""

from rich.markup import escape

from jackline.core import events as e
from jackline.core.messages import Text

_CHARACTERS = 64
_VALUE = 32  # What is longer hides where it came from.


class Narration:
    """Turns events into a few words, one after the other. What came before gives names to calls."""

    def __init__(self) -> None:
        self._calls: dict[str, str] = {}

    def told(self, record: e.Record) -> str:
        """Return what to say of an event, in rich's markup. Nothing: it speaks for itself."""
        event = record.event
        if isinstance(event, e.ModelReplied):
            for number, call in enumerate(event.calls):
                self._calls[f"{event.key}/tool/{number}"] = f"{call.name} {call.arguments}"
        return self._call_told(event, record.at) or _turn_told(event)

    def _call_told(self, event: e.Event, at: float) -> str:
        match event:
            case e.ToolStarted(key=key, attempt=attempt):
                return f"[dim]→ {self._call(key)}{', again' if attempt > 1 else ''}[/dim]"
            case e.ToolReturned(parts=parts):
                text = "".join(part.text for part in parts if isinstance(part, Text))
                return f"[dim]← {_short(text)}[/dim]"
            case e.ToolUnknown(key=key, reconcile_at=ask_at):
                name = self._call(key).partition(" ")[0]
                wait = f" It asks in {ask_at - at:.0f} s." if ask_at else ""
                return f"[yellow]? nobody knows whether {name} happened.{wait}[/yellow]"
            case e.ToolReconciled(happened=True):
                return "[yellow]! the payment service knows this call's key: it happened[/yellow]"
            case e.ToolReconciled(happened=False):
                return "[yellow]! the payment service never heard of it: it did not happen[/yellow]"
            case e.ToolReconciled(text=text) | e.ToolRefused(text=text) | e.ToolFailed(text=text):
                return f"[yellow]✗ {escape(printable(text))}[/yellow]"
            case _:
                return ""

    def _call(self, key: str) -> str:
        return _short(self._calls.get(key, key))


def printable(text: str) -> str:
    """Return text that cannot steer a terminal: a model or a mail may have written it."""
    return "".join(each for each in text if each.isprintable() or each == "\n")


def _turn_told(event: e.Event) -> str:
    match event:
        case e.InputRequested(name=name, arguments=arguments):
            why = "".join(f"\n  {line}" for line in _reasons(event))
            return f"[yellow]? {_short(f'{name} {arguments}')}{why}\n  waits for a person[/yellow]"
        case e.InputProvided(approved=approved):
            return f"[yellow]! a person says {'yes' if approved else 'no'}[/yellow]"
        case e.GuardJudged(gate="loop"):
            return "[yellow]! the model is told that it goes round in circles[/yellow]"
        case e.TurnStopped(code=code, text=text) | e.TurnFailed(code=code, text=text):
            return f"[yellow]■ the turn stops ({code}): {escape(printable(text))}[/yellow]"
        case _:
            return ""


def _reasons(asked: e.InputRequested) -> list[str]:
    """Return why a person is asked, where that is for who wrote the call's arguments."""
    if asked.flow is None:
        return []
    told = [
        f"{each.argument} {f'{each.value!r} ' if len(each.value) <= _VALUE else ''}← {each.text}"
        for each in asked.flow.origins
    ]
    return [escape(printable(asked.flow.reason)), *map(_short, told)]


def _short(text: str) -> str:
    line = " ".join(printable(text).split())
    return escape(line if len(line) <= _CHARACTERS else line[: _CHARACTERS - 1] + "…")
