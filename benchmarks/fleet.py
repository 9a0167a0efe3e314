"""Many workers on one Postgres, simulated event by event; `benchmarks.day` plays a day of them.

Sessions of one turn arrive as a Poisson process whose rate goes up and down once a day; some
tenants flood. A turn waits for a free place at a worker, then asks its model some times, with two
commits each; commits queue for Postgres, in the order in which they come. Workers are killed as
another Poisson process: what one drove is found when its lease ends, and asks its model again.

The same seed is the same day. `tests/test_fleet.py` holds it against M/M/c and Little's law.
"""

from array import array
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush, heapreplace
from itertools import count
from math import pi, sin
from random import Random
from typing import Any, NamedTuple

from jackline.core.turn import LEASE_S

DAY_S = 86_400.0
SESSIONS = 1_000_000
_BEATS = 3
_ARRIVE, _READY, _ASK, _REPLY, _END, _KILL, _FOUND, _BACK, _FLOOD = range(9)


def model_latency(random: Random) -> float:
    """Return how long a model takes: log-normal, median 1.2 s, mean 1.65 s, 99 % within 7.7 s."""
    return random.lognormvariate(0.182, 0.8)


def tool_latency(random: Random) -> float:
    """Return how long tools take: exponential, mean 0.2 s."""
    return random.expovariate(5.0)


@dataclass(frozen=True, slots=True)
class Flood:
    """One tenant submits `sessions` at once, at `at_s`."""

    at_s: float
    sessions: int


@dataclass(frozen=True, slots=True)
class Service:
    """What things take: a commit is exponential with a mean of `commit_s`, `backends` at a time."""

    commit_s: float = 0.001
    backends: int = 2
    round_cpu_s: float = 0.001
    wake_up_s: float = 0.008
    latency: Callable[[Random], float] = model_latency
    tool: Callable[[Random], float] = tool_latency


@dataclass(frozen=True, slots=True)
class Scene:
    """Who comes, who works, and what happens to them. `swing`: how far the rate goes up and down.

    `calls` is the mean number of model calls of a turn, geometric; `fair` serves tenants in turn
    in place of who came first.
    """

    per_s: float = SESSIONS / DAY_S
    duration_s: float = DAY_S
    swing: float = 0.6
    tenants: int = 1000
    calls: float = 3.0
    workers: int = 100
    drives: int = 20
    kills_per_day: float = 200.0
    lease_s: float = LEASE_S
    look_s: float = 1.0
    restart_s: float = 10.0
    floods: Sequence[Flood] = ()
    fair: bool = False
    service: Service = field(default_factory=Service)


class Waits(NamedTuple):
    """How long they waited, in seconds."""

    mean: float
    p50: float
    p99: float
    max: float


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a scene. Utilisations are parts of one, `present` is a mean over all the time.

    `recovery` is from a kill until all that the worker drove is driven again; `system_s` is from
    arrival to end. What waits for a place is `queue`, for Postgres `commit`; `postgres`, `places`
    and `worker_cpu` are utilisations while sessions arrive.
    """

    sessions: int
    commits: int
    queue: Waits
    flooding: Waits
    commit: Waits
    system_s: float
    present: float
    kills: int
    taken_over: int
    recovery: Waits
    postgres: float
    places: float
    worker_cpu: float


class Turn:
    """One turn on its way."""

    __slots__ = (
        "arrived",
        "calls",
        "death",
        "epoch",
        "flooding",
        "ready",
        "tenant",
        "worker",
    )

    def __init__(self, tenant: int, arrived: float, calls: int, *, flooding: bool) -> None:
        self.tenant, self.arrived, self.calls, self.flooding = tenant, arrived, calls, flooding
        self.ready = arrived
        self.worker = self.epoch = 0
        self.death: Death | None = None


class Death:
    """A killed worker, and how many of its turns nobody drives yet."""

    __slots__ = ("at", "left", "turns")

    def __init__(self, at: float, turns: list[Turn]) -> None:
        self.at, self.turns, self.left = at, turns, len(turns)


class Line:
    """Turns that wait: in the order they came, or one of each tenant after the other."""

    def __init__(self, *, fair: bool) -> None:
        self._fair = fair
        self._lines: dict[int, deque[Turn]] = {}
        self._next: deque[int] = deque()

    def __bool__(self) -> bool:
        return bool(self._next)

    def put(self, turn: Turn, *, first: bool = False) -> None:
        """Let a turn wait; `first`: it is due for longer than all others of its line."""
        key = turn.tenant if self._fair else 0
        if key not in self._lines:
            self._lines[key] = deque()
            self._next.append(key)
        line = self._lines[key]
        line.appendleft(turn) if first else line.append(turn)

    def take(self) -> Turn:
        """Return who is next."""
        key = self._next.popleft()
        line = self._lines[key]
        turn = line.popleft()
        if line:
            self._next.append(key)
        else:
            del self._lines[key]
        return turn


class Postgres:
    """Serves commits in their order, as many at a time as it has backends."""

    def __init__(self, service: Service, random: Random, until_s: float) -> None:
        self._until_s = until_s
        self._rate = 1 / service.commit_s if service.commit_s else 0.0
        self._draw = random.expovariate
        self._free = [0.0] * service.backends
        self.waits = array("d")
        self.busy = 0.0

    def commit(self, now: float) -> float:
        """Return when a commit that is asked for now is done. Ask in the order of time."""
        if not self._rate:
            return now
        begins = max(now, self._free[0])
        takes = self._draw(self._rate)
        heapreplace(self._free, begins + takes)
        self.waits.append(begins - now)
        if begins < self._until_s:
            self.busy += takes
        return begins + takes


class Fleet:
    """A scene, played event by event."""

    def __init__(self, scene: Scene, seed: int) -> None:
        self._scene, self._random = scene, Random(seed)
        self._postgres = Postgres(scene.service, self._random, scene.duration_s)
        self._events: list[tuple[float, int, int, Any, int]] = []  # what it is its kind says
        self._order = count()
        self._line = Line(fair=scene.fair)
        self._places = deque((n, 0) for _ in range(scene.drives) for n in range(scene.workers))
        self._lives = [0] * scene.workers
        self._driven: list[dict[Turn, None]] = [{} for _ in range(scene.workers)]
        self._waits, self._floods, self._recoveries = array("d"), array("d"), array("d")
        self._present = self._driving = self._sessions = self._kills = self._taken = self._asked = 0
        self._area = self._held = self._stayed = self._now = 0.0
        self._do = {
            _ARRIVE: self._arrive,
            _READY: self._wait,
            _ASK: self._ask,
            _REPLY: self._reply,
            _END: self._end,
            _KILL: self._kill,
            _FOUND: self._find,
            _BACK: self._come_back,
            _FLOOD: self._flood,
        }

    @property
    def left(self) -> int:
        """How many turns have come and not ended."""
        return self._present

    def run(self) -> Report:
        """Play until all who came have been served."""
        scene, events, do = self._scene, self._events, self._do
        self._at(self._next_arrival(0.0), _ARRIVE)
        for flood in scene.floods:
            self._at(flood.at_s, _FLOOD, flood)
        if scene.kills_per_day:
            self._at(self._random.expovariate(scene.kills_per_day / DAY_S), _KILL)
        while events:
            at, _, kind, what, epoch = heappop(events)
            if kind in (_ASK, _REPLY, _END) and what.epoch != epoch:
                continue  # Its worker was killed meanwhile.
            if kind == _KILL and at > scene.duration_s:
                continue
            self._area += self._present * (at - self._now)
            if self._now < scene.duration_s:
                self._held += self._driving * (min(at, scene.duration_s) - self._now)
            self._now = at
            do[kind](what)
        return self._report()

    def _at(self, at: float, kind: int, what: Any = None, epoch: int = 0) -> None:
        heappush(self._events, (at, next(self._order), kind, what, epoch))

    def _next_arrival(self, now: float) -> float:
        """Return the next of a Poisson process whose rate changes, by thinning (Lewis, 1979)."""
        scene, random = self._scene, self._random
        most = scene.per_s * (1 + scene.swing)
        while True:
            now += random.expovariate(most)
            rate = scene.per_s * (1 + scene.swing * sin(2 * pi * now / DAY_S))
            if random.random() * most <= rate:
                return now

    def _arrive(self, _: object) -> None:
        self._submit(self._random.randrange(self._scene.tenants), flooding=False)
        after = self._next_arrival(self._now)
        if after < self._scene.duration_s:
            self._at(after, _ARRIVE)

    def _flood(self, flood: Flood) -> None:
        tenant = self._random.randrange(self._scene.tenants)
        for _ in range(flood.sessions):
            self._submit(tenant, flooding=True)

    def _submit(self, tenant: int, *, flooding: bool) -> None:
        calls, more = 1, 1 - 1 / self._scene.calls
        while more and self._random.random() < more:
            calls += 1
        turn = Turn(tenant, self._now, calls, flooding=flooding)
        self._sessions += 1
        self._present += 1
        self._at(self._postgres.commit(self._now) + self._scene.service.wake_up_s, _READY, turn)

    def _wait(self, turn: Turn) -> None:
        turn.ready = self._now
        self._line.put(turn)
        self._serve()

    def _serve(self) -> None:
        """Give free places to those who wait."""
        while self._line and self._places:
            worker, life = self._places.popleft()
            if self._lives[worker] == life:
                self._start(self._line.take(), worker)

    def _start(self, turn: Turn, worker: int) -> None:
        """Have a worker claim a turn."""
        if turn.death is None:
            (self._floods if turn.flooding else self._waits).append(self._now - turn.ready)
        else:
            turn.death.left -= 1
            self._taken += 1
            if not turn.death.left:
                self._recoveries.append(self._now - turn.death.at)
            turn.death = None
        turn.worker = worker
        self._driving += 1
        self._driven[worker][turn] = None
        self._at(self._postgres.commit(self._now), _ASK, turn, turn.epoch)

    def _ask(self, turn: Turn) -> None:
        """Commit that the model is asked, and ask it."""
        self._asked += self._now < self._scene.duration_s
        took = self._scene.service.latency(self._random)
        self._at(self._postgres.commit(self._now) + took, _REPLY, turn, turn.epoch)

    def _reply(self, turn: Turn) -> None:
        """Commit what it said, then run tools and ask again, or end."""
        done = self._postgres.commit(self._now)
        turn.calls -= 1
        if turn.calls:
            tools = self._scene.service.tool(self._random)
            self._at(done + tools, _ASK, turn, turn.epoch)
        else:
            self._at(done, _END, turn, turn.epoch)

    def _end(self, turn: Turn) -> None:
        self._present -= 1
        self._stayed += self._now - turn.arrived
        self._driving -= 1
        del self._driven[turn.worker][turn]
        self._places.append((turn.worker, self._lives[turn.worker]))
        self._serve()

    def _kill(self, _: object) -> None:
        """Kill a worker. Its lease was renewed at some moment of the last third of it."""
        scene, random = self._scene, self._random
        self._at(self._now + random.expovariate(scene.kills_per_day / DAY_S), _KILL)
        worker = random.randrange(scene.workers)
        death = Death(self._now, list(self._driven[worker]))
        self._kills += 1
        self._lives[worker] += 1
        self._driving -= len(death.turns)
        self._driven[worker].clear()
        for turn in death.turns:
            turn.epoch += 1
            turn.death = death
            turn.calls = max(turn.calls, 1)
        lapse = scene.lease_s * (1 - random.random() / _BEATS) + random.random() * scene.look_s
        self._at(self._now + lapse, _FOUND, death)
        self._at(self._now + scene.restart_s, _BACK, (worker, self._lives[worker]))

    def _find(self, death: Death) -> None:
        """Have others see that its lease is over: they are due for longest, and so come first."""
        for turn in death.turns:
            self._line.put(turn, first=True)
        self._serve()

    def _come_back(self, life: tuple[int, int]) -> None:
        if self._lives[life[0]] == life[1]:
            self._places.extend([life] * self._scene.drives)
            self._serve()

    def _report(self) -> Report:
        scene, over_s = self._scene, self._scene.duration_s
        return Report(
            sessions=self._sessions,
            commits=len(self._postgres.waits),
            queue=waits(self._waits),
            flooding=waits(self._floods),
            commit=waits(self._postgres.waits),
            system_s=self._stayed / self._sessions,
            present=self._area / self._now,
            kills=self._kills,
            taken_over=self._taken,
            recovery=waits(self._recoveries),
            postgres=self._postgres.busy / over_s / scene.service.backends,
            places=self._held / over_s / scene.workers / scene.drives,
            worker_cpu=self._asked * scene.service.round_cpu_s / over_s / scene.workers,
        )


def waits(samples: "array[float]") -> Waits:
    """Return what these samples come to."""
    if not samples:
        return Waits(0.0, 0.0, 0.0, 0.0)
    ordered, n = sorted(samples), len(samples)
    return Waits(sum(ordered) / n, ordered[n // 2], ordered[min(n - 1, n * 99 // 100)], ordered[-1])
