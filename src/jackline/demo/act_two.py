"""Act 2: the same assistant on jackline, and what is held against whom."""

import inspect
from dataclasses import dataclass

from jackline.app import LOCAL_USER, Runtime
from jackline.core.budget import micro_dollars
from jackline.core.errors import StaleError
from jackline.core.events import Record, SessionId
from jackline.core.value import replace
from jackline.demo import agent, proofs
from jackline.demo.agent import TURN_USD, assistant
from jackline.demo.driver import Task
from jackline.demo.folder import Folder
from jackline.demo.payments import Payment, Payments, Point
from jackline.demo.processes import bank
from jackline.demo.proofs import Naive, Step
from jackline.demo.script import AUDIT, BICYCLE, INBOX, REFUND, WAIT, pretended_model
from jackline.demo.shop import Shop, open_shop
from jackline.demo.stage import Stage
from jackline.demo.worker import Watch

_ANSWER_S = 0.3
_LIVE_ANSWER_S = 2.5
_LIVE_DELTA_S = 0.04
_DECIDE_S = 8.0


@dataclass(frozen=True, slots=True)
class Scene:
    """What all scenes share: what the loop did, and where jackline works. `point`: see `Point`."""

    stage: Stage
    folder: Folder
    shop: Shop
    runtime: Runtime
    naive: Naive
    point: Point

    def watch(self, name: str, said: str) -> Watch:
        """Return a client that will say something, and watch what comes of it."""
        live, shop = self.stage.is_live, self.shop
        delta_s = _LIVE_DELTA_S if live else 0.0
        port = shop.payments.port
        task = Task(str(self.folder.journal), str(shop.folder), port, name, said, delta_s=delta_s)
        self.stage.user(said)
        return Watch(self.stage, task, self.folder.log)

    async def records(self, name: str) -> list[Record]:
        """Return what the journal says of a session."""
        return await self.runtime.store.read(SessionId(LOCAL_USER.tenant, name))

    def ledger(self, order: int) -> list[Payment]:
        """Return what the payment service says of an order."""
        return [payment for payment in self.shop.payments.all() if payment.order == order]


async def act_two(stage: Stage, folder: Folder, naive: Naive, point: Point) -> list[Step]:
    """Show the same on jackline, and return what held."""
    stage.act(
        2,
        "the same on jackline",
        "The same shop, the same script (in jackline's ScriptedModel), a journal in SQLite. "
        "Each tool says what a second run of it would do:",
    )
    stage.code(_source_of_refund())
    ledger = folder.path / "payments.jsonl"
    answer_s = _LIVE_ANSWER_S if stage.is_live else _ANSWER_S
    runtime = Runtime([assistant(pretended_model())], store=folder.store, drive=False)
    async with bank(ledger, answer_s, folder.log) as port, runtime:
        shop = open_shop(folder.shop, Payments(port))
        scene = Scene(stage, folder, shop, runtime, naive, point)
        steps = await _killed(scene)
        steps += [await _approved(scene), await _budget(scene), await _loop(scene)]
        return [*steps, await _inbox(scene)]


def _source_of_refund() -> str:
    lines = inspect.getsource(agent).splitlines()
    name = next(at for at, line in enumerate(lines) if line.startswith("def refund("))
    begin = max(at for at in range(name) if lines[at].startswith("@tool("))
    end = next(at for at in range(name, len(lines)) if lines[at].startswith("    return"))
    return "\n".join(lines[begin : end + 1])


async def _killed(scene: Scene) -> list[Step]:
    watch = scene.watch("refund", REFUND)
    if scene.stage.is_live:
        watch.strikes = True
    else:
        watch.task = replace(watch.task, point=scene.point)
    await watch.run()
    records, ledger = await scene.records("refund"), scene.ledger(7)
    for payment in ledger:
        scene.stage.note(
            f"ledger: payment {payment.number}, order 7, ${payment.cents / 100:.2f}, "
            f"key {payment.key[:8]}…"
        )
    session = proofs.state(SessionId(LOCAL_USER.tenant, "refund"), records)
    return _judged(
        scene,
        proofs.paid_once(scene.naive, ledger, records),
        proofs.ended_once(records, watch.kills),
        proofs.gapless(watch.heard, records),
        proofs.valid_history(session),
    )


async def _approved(scene: Scene) -> Step:
    watch, stale = scene.watch("bicycle", BICYCLE), False

    async def answer(question: int) -> None:
        nonlocal stale
        scene.stage.note("No process is left. The question is a row in the journal, and waits.")
        said = await scene.stage.person.ask(
            "    Refund $900.00 for order 12? [Y/n]", "y", _DECIDE_S
        )
        stale = await _answered(scene, "bicycle", question, said)

    watch.on_pause, watch.dies_paused = answer, True
    await watch.run()
    records = await scene.records("bicycle")
    step = proofs.approved_first(scene.naive, records, scene.ledger(12), stale=stale)
    return _judged(scene, step)[0]


async def _answered(scene: Scene, name: str, question: int, said: str) -> bool:
    """Answer a question, and return whether a second answer to it was refused."""
    sessions, session = scene.runtime.sessions, SessionId(LOCAL_USER.tenant, name)
    approved = said.lower().startswith("y")
    await sessions.answer(session, question, LOCAL_USER, approved=approved, reason="says the demo")
    try:
        await sessions.answer(session, question, LOCAL_USER, approved=True)
    except StaleError:
        return True
    return False


async def _budget(scene: Scene) -> Step:
    watch = scene.watch("audit", AUDIT)
    await _quietly(watch)
    limit = micro_dollars(TURN_USD)
    step = proofs.within_budget(scene.naive, await scene.records("audit"), limit)
    return _judged(scene, step)[0]


async def _loop(scene: Scene) -> Step:
    watch = scene.watch("wait", WAIT)
    await _quietly(watch)
    step = proofs.left_the_loop(scene.naive, await scene.records("wait"))
    return _judged(scene, step)[0]


async def _quietly(watch: Watch) -> None:
    watch.is_quiet, watch.task = True, replace(watch.task, delta_s=0.0)
    await watch.run()


async def _inbox(scene: Scene) -> Step:
    """Let a mail ask for the customers' table. The model obeys it, as it does in the loop."""
    watch = scene.watch("inbox", INBOX)

    async def answer(question: int) -> None:
        said = await scene.stage.person.ask("    Send that mail? [y/N]", "n", _DECIDE_S)
        await _answered(scene, "inbox", question, said)

    watch.on_pause = answer
    await watch.run()
    records = await scene.records("inbox")
    scene.stage.note(
        "The model did what the mail says. But nobody whom the shop trusts has named that address: "
        'the user asked what is new, and planned no mail. With on_ask="refuse" nobody is asked, '
        "and the model is told why."
    )
    step = proofs.kept_in(scene.naive, len(scene.shop.sent()), records)
    return _judged(scene, step)[0]


def _judged(scene: Scene, *steps: Step) -> list[Step]:
    for step in steps:
        scene.stage.verdict(step)
    return list(steps)
