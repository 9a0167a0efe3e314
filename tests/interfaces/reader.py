"""A client of streams: it puts together what it hears, and finds a gap or anything said twice."""

import json
from collections.abc import Iterable
from typing import Any


class Reader:
    """What a client has assembled so far, and the id to come back with."""

    def __init__(self) -> None:
        self.last_id = ""
        self.events: list[dict[str, Any]] = []
        self.reply: dict[str, Any] | None = None
        self.text = ""
        self.resets = 0
        self.checked = 0
        self.begun_anew = 0

    @property
    def headers(self) -> dict[str, str]:
        return {"Last-Event-ID": self.last_id} if self.last_id else {}

    def feed(self, lines: Iterable[str]) -> None:
        """Take one server-sent event, as its lines."""
        fields = dict(line.split(": ", 1) for line in lines if not line.startswith(":"))
        if "data" not in fields:
            return
        self.take(json.loads(fields["data"]))
        assert fields.get("id", self.last_id) == self.last_id, (fields, self.last_id)

    def take(self, said: dict[str, Any]) -> None:
        """Take what is said, as JSON."""
        match said["type"]:
            case "text.delta":
                self._delta(said)
            case "message.reset":
                self.reply, self.text = None, ""
                self.resets += 1
            case "stream.truncated":
                self.events, self.reply, self.text = [], None, ""
                self.begun_anew += 1
                self.last_id = "0"
            case _:
                self._event(said)

    @property
    def ended(self) -> list[int]:
        """The turns whose end was heard."""
        return [each["turn"] for each in self.events if each["type"] == "turn.completed"]

    def _event(self, said: dict[str, Any]) -> None:
        assert said["seq"] == len(self.events) + 1, (said["seq"], len(self.events))
        self.events.append(said)
        self.last_id = said.get("id", str(said["seq"]))
        if said["type"] == "model.replied" and self.reply:
            whole = "".join(part["text"] for part in said["parts"] if part["type"] == "text")
            assert whole.startswith(self.text), (self.text, whole)
            self.checked += 1
        if said["type"] in {"model.replied", "model.failed", "hold.unconfirmed"}:
            self.reply, self.text = None, ""
        assert not (said["type"] == "session.taken" and self.reply), "its epoch is gone"

    def _delta(self, said: dict[str, Any]) -> None:
        self.last_id = said["id"]
        seq, epoch, end = map(int, said["id"].split(".")[:3])
        assert seq <= len(self.events), "text of a reply that nobody has heard of"
        reply = {"seq": seq, "epoch": epoch}
        assert self.reply in (None, reply), (self.reply, reply)
        self.reply = reply
        self.text += said["text"]
        assert len(self.text) == end, (self.text, said)
