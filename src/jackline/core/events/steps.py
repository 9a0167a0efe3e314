"""What happens within a turn: models asked, tools called, guards heard, children and memory."""

from collections.abc import Mapping
from typing import Literal

from jackline.core.events.fact import Decision, Fact, Finding, Gate, Principal, Purpose, Usage
from jackline.core.flow import FlowVerdict, Integrity, Label, Readers
from jackline.core.messages import Content, ReplyPart, Text, ToolCall


class GuardJudged(Fact, frozen=True):
    """A guard had something to say, and why. `note` is what the model is told of it.

    `digest` is that of the text, where a model judges it: see `ModelReserved`.
    """

    gate: Gate
    guard: str
    decision: Decision
    subject: str = ""
    findings: tuple[Finding, ...] = ()
    reason: str = ""
    note: str = ""
    digest: str = ""


class ModelReserved(Fact, frozen=True):
    """The worst case is held in every account: the model may now be asked.

    `instructions` and `tools` (a digest of what the model is told of them) are there where they
    are new. `digest` tells the request from all others.
    """

    key: str
    model: str
    hold: int
    max_tokens: int
    digest: str = ""
    accounts: tuple[str, ...] = ()
    purpose: Purpose = "reply"
    instructions: str | None = None
    tools: str | None = None


class ModelReplied(Fact, frozen=True):
    """The model said and asked for `parts`, and cost this much. `cut`: the end is missing."""

    key: str
    parts: tuple[ReplyPart, ...]
    model: str
    usage: Usage
    cost: int = 0
    seconds: float = 0.0
    allowed: tuple[str, ...] = ()
    cut: bool = False

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """The tool calls, in their order."""
        return tuple([part for part in self.parts if isinstance(part, ToolCall)])

    @property
    def keyed(self) -> dict[str, ToolCall]:
        """The tool calls by the keys that they have from now on."""
        return {f"{self.key}/tool/{n}": call for n, call in enumerate(self.calls)}

    @property
    def text(self) -> str:
        """The words."""
        return "".join([part.text for part in self.parts if isinstance(part, Text)])


class ModelFailed(Fact, frozen=True):
    """The model refused or broke, and cost this much all the same."""

    key: str
    code: str
    text: str = ""
    cost: int = 0
    retry_after_s: float | None = None


class HoldUnconfirmed(Fact, frozen=True):
    """Nobody knows what the call cost. It is charged whole."""

    key: str
    cost: int
    code: str = "lost"
    text: str = ""
    retry_after_s: float | None = None


class BudgetBreached(Fact, frozen=True):
    """A bill was above its hold. It is charged, and that model is not asked again."""

    key: str
    model: str
    hold: int
    cost: int


class ContextCompacted(Fact, frozen=True):
    """The messages from `first` to `last` (excluded) are now told by `summary`."""

    first: int
    last: int
    summary: str


class ToolRefused(Fact, frozen=True):
    """The call was not made, and `text` tells the model why. `flow`: what that was about.

    `rules` are those that refused it: the tool's, as in `tool.roles`, or those of operators, with
    the digest of their policy, as in `policy/3fa9c1d2/trainees`. `is_own`: whatever its code, all
    that is said is jackline's own, and nothing is a tool author's or a guard's.
    """

    key: str
    text: str
    code: str
    flow: FlowVerdict | None = None
    rules: tuple[str, ...] = ()
    is_own: bool = False


class ToolStarted(Fact, frozen=True):
    """From here on the call may have happened.

    `arguments` is there where a person changed them, `version` is the tool's. `fingerprint` is
    there where the tool read something else than what is written, as by a default. `flow` says
    why it may be made, once anything untrusted was read, and `rules` are those that had a say.
    """

    key: str
    name: str
    attempt: int
    effect_key: str
    version: str = ""
    arguments: str | None = None
    allowed: tuple[str, ...] = ()
    fingerprint: str = ""
    flow: FlowVerdict | None = None
    rules: tuple[str, ...] = ()


class ToolReturned(Fact, frozen=True):
    """The call is over: the model reads `parts`. The whole result may lie in an artifact.

    `quarantined`: of what is untrusted in it the model reads handles alone. `readers`: who may
    read it, see `Declared`.
    """

    key: str
    parts: tuple[Content, ...]
    artifact: str = ""
    labels: Mapping[str, Integrity] = {}
    attempts: int = 1
    seconds: float = 0.0
    allowed: tuple[str, ...] = ()
    quarantined: bool = False
    readers: Readers = "user"


class ToolFailed(Fact, frozen=True):
    """The call was made in vain or not at all, and `text` tells the model why.

    `readers`, here as where it is unknown or comes late: as of `ToolReturned`.
    """

    key: str
    text: str
    code: str = "error"
    attempts: int = 1
    seconds: float = 0.0
    readers: Readers = "user"


class ToolUnknown(Fact, frozen=True):
    """The call may or may not have happened, and `text` tells the model so.

    With `reconcile_at` somebody will ask the outside then, and the call stays open. `once`: the
    same call may be made again only where a person agrees.
    """

    key: str
    text: str
    code: str = "lost"
    reconcile_at: float | None = None
    once: bool = True
    readers: Readers = "user"


class ToolReconciled(Fact, frozen=True):
    """The outside was asked, or answered late. `happened` None: it does not know either."""

    key: str
    happened: bool | None
    text: str
    readers: Readers = "user"


class ChildOpened(Fact, frozen=True):
    """A call became a session of another agent, within these bounds."""

    key: str
    session: str
    agent: str
    principal: Principal
    limit: int
    ceiling: Label | None = None


class ChildFinished(Fact, frozen=True):
    """The child ended, and this is what it has to say."""

    key: str
    session: str
    outcome: Literal["completed", "failed", "stopped", "cancelled"]
    parts: tuple[Content, ...] = ()
    cost: int = 0
    label: Label | None = None


class MemoryRead(Fact, frozen=True):
    """Something was looked up in long-term memory."""

    key: str
    query: str
    items: tuple[str, ...] = ()
    label: Label | None = None


class MemoryWritten(Fact, frozen=True):
    """Something was put into long-term memory."""

    key: str
    item: str
    text: str = ""
    label: Label | None = None


class ProgressReported(Fact, frozen=True):
    """A running call says how far it is. `fraction` is 0 to 1."""

    key: str
    text: str
    fraction: float | None = None
