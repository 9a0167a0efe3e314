"""Which figures there are: what takes each, what is to be reached, and beside whom."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

Better = Literal["lower", "higher"]


class Row(NamedTuple):
    """A figure of a table: which process takes it, what is to be reached, and what it is.

    `elsewhere` is what others were measured at, on other machines, before this was built. `unit`
    is that of the target, where nothing was measured yet.
    """

    id: str
    source: str
    target: float | None
    title: str
    better: Better = "lower"
    elsewhere: str = ""
    unit: str = ""

    def reached(self, value: object) -> bool:
        """Return whether this value is what is to be reached."""
        if self.target is None or not isinstance(value, int | float):
            return False
        return value <= self.target if self.better == "lower" else value >= self.target


class Area(NamedTuple):
    """A table: its rows, and the peers that are measured in the same run, by what takes them."""

    title: str
    rows: Sequence[Row]
    peers: Mapping[str, Sequence[str]]

    @property
    def columns(self) -> Sequence[str]:
        """Return all its peers."""
        return sorted({peer for peers in self.peers.values() for peer in peers})


CORE_PEERS = ("agent_framework", "agno", "langgraph", "openai_agents", "pydantic_ai")

_CORE = (
    Row("round_cpu", "rounds", 100, "CPU of a round: model and one tool"),
    Row("secured_round_cpu", "secured", None, "the same, secured: with all default guards"),
    Row("round_cpu_8_tools", "rounds", 400, "CPU of a round with 8 parallel tools"),
    Row("secured_round_cpu_8_tools", "secured", None, "the same, secured"),
    Row("round_cpu_growth", "growth", 1.2, "CPU of a round at 400 rounds against 10"),
    Row("durable_commits", "durable", 2, "SQLite: commits a round"),
    Row("durable_cpu", "durable", 0.45, "SQLite: CPU of a round, one session"),
    Row("secured_durable_cpu", "secured", None, "the same, secured"),
    Row("durable_crowd_cpu", "durable_crowd", 0.25, "SQLite: CPU of a round, 1,000 sessions"),
    Row("written_50", "written", None, "SQLite: written by 50 rounds"),
    Row("written_bare", "bare_insert", 2, "SQLite: written, against a bare insert"),
    Row("written_growth", "written", 1.05, "SQLite: growth of what is written"),
    Row("delta_cpu", "deltas", 5, "CPU of a streamed delta"),
    Row("secured_delta_cpu", "secured", None, "the same, secured"),
    Row("crowd_wall", "crowd", 0.8, "1,000 sessions, 5 rounds, model waits 50 ms"),
    Row("crowd_memory", "crowd", 30, "the same: memory"),
    Row("durable_crowd_wall", "durable_crowd", 1.5, "the same on SQLite"),
    Row("durable_crowd_memory", "durable_crowd", 30, "the same on SQLite: memory"),
    Row("import_cpu", "start_up", 0.12, "CPU of `import jackline`"),
    Row("import_agent_cpu", "start_up", None, "CPU of importing what makes an agent"),
    Row("help_cpu", "start_up", 0.25, "CPU of `jackline --help`"),
    Row("takeover", "takeover", 20, "taking over a session of 10,000 events"),
)
_CLUSTER = (
    Row(
        "postgres_cpu", "durable_postgres", 1, "durable round: CPU of the worker", unit="ms a round"
    ),
    Row("postgres_commits", "durable_postgres", 2, "durable round: transactions", unit="a round"),
    Row(
        "postgres_wall",
        "durable_postgres",
        None,
        "durable round: time, median",
        elsewhere="LangGraph 14.3 ms",
        unit="ms a round",
    ),
    Row("postgres_wal", "log_bytes", None, "turn of two tool rounds: WAL", unit="KiB"),
    Row("postgres_grown", "log_bytes", None, "the same: the database grows by", unit="KiB"),
    Row(
        "wake_up_p50",
        "wake_up",
        8,
        "submission to first step in another process, median",
        elsewhere="DBOS 46 to 78, procrastinate 3.7 ms",
        unit="ms",
    ),
    Row(
        "wake_up_p99",
        "wake_up",
        30,
        "the same: 99th percentile",
        elsewhere="procrastinate 5.5 ms",
        unit="ms",
    ),
    Row(
        "turns_per_s",
        "turns",
        600,
        "trivial turns, two workers",
        "higher",
        "DBOS 563 a second",
        unit="a second",
    ),
    Row(
        "recovery",
        "recovery",
        5,
        "kill -9 with 50 live sessions until all are driven again",
        elsewhere="DBOS never, or 3 s with a reaper; Temporal 3 to 13 s",
        unit="s",
    ),
    Row("recovery_2s", "recovery", 3, "the same with a lease of 2 s", unit="s"),
    Row(
        "zombie_writes",
        "zombies",
        0,
        "SIGSTOP, take-over, SIGCONT: late writes that land",
        unit="events",
    ),
    Row(
        "stream_events",
        "stream_between",
        10_000,
        "events from a worker to a reader in another process",
        "higher",
        "DBOS 618, batched NOTIFY 19,000 a second",
        unit="a second",
    ),
    Row(
        "stream_delay_p50",
        "stream_between",
        15,
        "the same: delay, median",
        elsewhere="DBOS 176, batched NOTIFY 4 ms",
        unit="ms",
    ),
    Row(
        "paused_memory",
        "paused",
        1,
        "100,000 paused sessions: more memory of an idle worker",
        unit="MiB",
    ),
    Row("paused_cpu", "paused", 1, "the same: more CPU, with the server's", unit="% of a core"),
    Row(
        "paused_start",
        "paused",
        2,
        "the same: process start to first step",
        elsewhere="DBOS, 10,000: 14 % of a core, 90 s",
        unit="s",
    ),
    Row(
        "hot_account",
        "hot_account",
        1500,
        "hold and bill on one hot account, 8 processes",
        "higher",
        "8,400 updates a second, not synced",
        unit="a second",
    ),
    Row(
        "hot_account_overshoot",
        "hot_account",
        0,
        "the same: commits beyond the limit",
        unit="commits",
    ),
)
_SECURITY = (
    Row(
        "undefended",
        "security.bracket",
        None,
        "attacks of a model that obeys all of them: undefended",
        elsewhere="prototype 803",
        unit="of 824",
    ),
    Row(
        "attacks",
        "security.bracket",
        0,
        "the same with flow; no plan, a planner's, an oracle's",
        elsewhere="prototype 0",
        unit="of 824",
    ),
    Row("attacks_adversarial", "security.bracket", 5, "the same; an attacker's plan", unit="%"),
    Row(
        "attacks_directory",
        "security.bracket",
        0,
        "the attacker's values in a directory; no plan, a planner's, an oracle's",
        elsewhere="prototype 1.9 %",
        unit="of 824",
    ),
    Row(
        "attacks_directory_adversarial",
        "security.bracket",
        None,
        "the same; an attacker's plan",
        unit="%",
    ),
    Row(
        "attacks_laundered",
        "security.bracket",
        0,
        "written and read back by the attacked model; every plan",
        unit="of 824",
    ),
    Row(
        "attacks_approved", "security.bracket", None, "a person approves everything", unit="of 824"
    ),
    Row(
        "alone_b",
        "security.bracket",
        None,
        "tasks done without a question: a planner's plan",
        "higher",
        unit="%",
    ),
    Row(
        "alone_c",
        "security.bracket",
        65,
        "the same: an oracle's plan",
        "higher",
        elsewhere="prototype 69 %",
        unit="%",
    ),
    Row(
        "alone_c_tuned",
        "security.bracket",
        75,
        "the same: an oracle's plan, labels tuned",
        "higher",
        elsewhere="prototype 76 %",
        unit="%",
    ),
    Row(
        "asking",
        "security.bracket",
        98,
        "tasks done with questions, the worst setting",
        "higher",
        elsewhere="prototype 100 %",
        unit="%",
    ),
    Row(
        "questions",
        "security.bracket",
        0.5,
        "questions, an oracle's plan",
        elsewhere="prototype 0.45",
        unit="a task",
    ),
    Row(
        "questions_tuned",
        "security.bracket",
        0.3,
        "the same, labels tuned",
        elsewhere="prototype 0.33",
        unit="a task",
    ),
    Row(
        "questions_a_turn",
        "security.bracket",
        0.5,
        "questions in twenty conversations of three turns",
        unit="a turn",
    ),
    Row(
        "flow_us",
        "security.bracket",
        100,
        "flow, a call, on 10 KB of context, the dearest kind",
        elsewhere="prototype 80 to 140 µs",
        unit="µs",
    ),
    Row(
        "secured_round",
        "security.stack",
        4,
        "a round with all layers on: 500 characters read, an effectful call judged",
        unit="ms a round",
    ),
    Row(
        "detector_recall",
        "security.bracket",
        None,
        "classifier: attacks of unseen sources that it finds",
        "higher",
        elsewhere="a prototype on others 70 %",
        unit="%",
    ),
    Row(
        "detector_false",
        "security.bracket",
        None,
        "the same: benign texts that it flags",
        elsewhere="1 %",
        unit="%",
    ),
    Row(
        "detector_hard",
        "security.bracket",
        None,
        "the same, of hard benign texts",
        elsewhere="a prototype on others 4.7 %",
        unit="%",
    ),
    Row("redaction_delta", "security.redaction", 25, "redactor: 5 characters more", unit="µs"),
    Row(
        "redaction_mb_s",
        "security.redaction",
        10,
        "redactor: chat with 1 % personal data in 4 KiB pieces",
        "higher",
        elsewhere="prototype 0.62",
        unit="MB/s",
    ),
    Row(
        "pii_precision",
        "security.redaction",
        0.99,
        "personal data: precision, the worst kind",
        "higher",
        elsewhere="Presidio: card .96, phone .69",
    ),
    Row("pii_recall_email", "security.redaction", 1, "recall: e-mail addresses", "higher"),
    Row("pii_recall_iban", "security.redaction", 1, "recall: IBANs", "higher"),
    Row("pii_recall_ip", "security.redaction", 1, "recall: IP addresses", "higher"),
    Row("pii_recall_key", "security.redaction", 1, "recall: keys and tokens", "higher"),
    Row(
        "pii_recall_card",
        "security.redaction",
        0.96,
        "recall: cards",
        "higher",
        elsewhere="Presidio .87",
    ),
    Row(
        "pii_recall_phone",
        "security.redaction",
        0.75,
        "recall: phone numbers",
        "higher",
        elsewhere="a pattern .54",
    ),
    Row("cleaned", "security.cleaning", 0, "legitimate texts that cleaning changes"),
)
_SERVER = (
    Row(
        "sse_tokens",
        "server.tokens",
        30_000,
        "text streamed to 8 clients, core guards",
        "higher",
        elsewhere="langgraph dev 1,286 to 1,712; aegra 1,038; uvicorn alone 75,000 to 97,000",
    ),
    Row(
        "sse_tokens_secured",
        "server.tokens",
        15_000,
        "the same, secured: with all default guards",
        "higher",
    ),
    Row("sse_bytes", "server.tokens", 120, "bytes on the wire", elsewhere="820 to 1,072"),
    Row(
        "first_delta_p50",
        "server.tokens",
        5,
        "until the first text, beyond the model's own, p50",
        elsewhere="12 to 1,000 ms",
    ),
    Row("first_delta_p99", "server.tokens", 25, "the same, p99"),
    Row(
        "http_turns",
        "server.turns",
        500,
        "trivial turns on SQLite, synced, 32 clients",
        "higher",
        elsewhere="8 to 39 requests a second",
    ),
    Row("idle_memory", "server.idle", 40, "2,000 readers that wait: memory"),
    Row("idle_cpu", "server.idle", 2, "the same: CPU"),
)
_MEASURED_BY_ALL = ("rounds", "growth", "deltas", "durable", "written", "crowd", "durable_crowd")

AREAS = {
    "core": Area("One process", _CORE, dict.fromkeys((*_MEASURED_BY_ALL, "start_up"), CORE_PEERS)),
    "cluster": Area(
        "Many processes on one Postgres",
        _CLUSTER,
        {"durable_postgres": ("langgraph",), "turns": ("dbos",), "wake_up": ("dbos",)},
    ),
    "server": Area(
        "One server process",
        _SERVER,
        {"server.tokens": ("langgraph_dev",), "server.turns": ("langgraph_dev",)},
    ),
    "security": Area(
        "Security: attacks replayed with a model that obeys all of them", _SECURITY, {}
    ),
}
