"""The bus of processes that share a database: each hears of what happens in the others.

Growth goes as ids after the commit, text through a table that no crash has to keep: in one
statement for all that comes within a few milliseconds, and only where somebody elsewhere follows.
A process that is alone says nothing but, now and then, that it is there.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager

from psycopg import AsyncConnection

from jackline.adapters.bus import Listener, LocalBus
from jackline.adapters.postgres import news
from jackline.adapters.postgres.interest import Interest
from jackline.adapters.postgres.line import Line
from jackline.core.events import SessionId
from jackline.ports import Delta, Grown

_HELLO_S = 5.0
_PRESENT_S = 16.0
_LOOK_S = 5.0
_ANSWER_S = 2.0
_SESSIONS_MAX = 10_000
_ROWS_MAX = 600  # Their lines are named in one notification.
_SWEEP_S = 40.0  # Longer than text is kept.
_TELL = "SELECT pg_notify('jackline', said) FROM unnest(%s::text[]) AS said"
_SAY = """
    WITH batch AS MATERIALIZED (SELECT nextval('jackline.delta_batch') AS no),
    said AS (
        INSERT INTO jackline.delta
            (batch, place, line, tenant, session, seq, epoch, start, text)
        SELECT batch.no, text.place, text.line, text.tenant, text.session, text.seq, text.epoch,
            text.start, text.text
        FROM batch, unnest(%b::bigint[], %b::text[], %b::text[], %b::bigint[], %b::bigint[],
            %b::bigint[], %b::bytea[]) WITH ORDINALITY
            AS text (line, tenant, session, seq, epoch, start, text, place)
    )
    SELECT pg_notify('jackline', format('d[%%s,%%s]', batch.no, array_to_string(%b::bigint[], ',')))
    FROM batch
"""
_FETCH = """
    SELECT batch, tenant, session, seq, epoch, start, text FROM jackline.delta
    WHERE batch = ANY (%b::bigint[]) AND line = ANY (%b::bigint[]) ORDER BY batch, place
"""
_SWEEP = """
    DELETE FROM jackline.delta WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM (SELECT ctid, at FROM jackline.delta ORDER BY batch LIMIT 10000) AS oldest
        WHERE at < clock_timestamp() - interval '30 seconds'))
"""


class PostgresBus:
    """See `Bus`. It belongs to one event loop, and to other processes while `run` runs there.

    `heard` is told of sessions to which somebody else, in another process, has said something.
    """

    def __init__(self, url: str, heard: Callable[[SessionId], None] = lambda _: None) -> None:
        self._local = LocalBus()
        self._interest = Interest()
        self._heard = heard
        self._line = Line(url, self)
        self._growths: dict[tuple[SessionId, bool], news.Growth] = {}
        self._follows: dict[tuple[SessionId, bool], news.Follow] = {}
        # Sessions whose growth nobody wanted to know of: who follows one later has to look.
        self._unsaid: dict[SessionId, None] = {}
        # How many pieces of a reply others have got, and characters; replies of which there are
        # more; and what has to be sent of replies that are over.
        self._sent: dict[SessionId, tuple[int, int]] = {}
        self._more: dict[SessionId, None] = {}
        self._rests = deque[Delta](maxlen=_SESSIONS_MAX)
        # Up to where the text of a reply has come from elsewhere, and where a piece is missing.
        self._foreign: dict[SessionId, tuple[int, int, int]] = {}
        self._gaps: set[SessionId] = set()
        self._hello = ""
        self._hello_at, self._others_until = 0.0, float("inf")
        self._sweep_until = 0.0
        self._sweeps = True

    async def run(self) -> None:
        """Be in touch with other processes until cancelled."""
        await self._line.run()

    async def flush(self, wait_s: float = 1.0) -> None:
        """Return when others can hear all that was said, at the latest after `wait_s`."""
        await self._line.flush(wait_s)

    @property
    def look_s(self) -> float:
        """See `Bus.look_s`."""
        return _LOOK_S if self._line.hears else self._local.look_s

    def hears(self, session: SessionId, *, resting: bool) -> bool:
        """See `Bus.hears`."""
        if self._local.hears(session, resting=resting):
            return True
        if self._interest.is_elsewhere(session, resting=resting):
            return True
        self._miss(session)
        return False

    def grown(self, grown: Grown, *, resting: bool = False) -> None:
        """See `Bus.grown`."""
        session = grown.session
        if not grown.told and session in self._sent:
            self._rest(session)
        self._local.grown(grown, resting=resting)
        head = grown.records[-1].seq if grown.records else 0
        growth = news.Growth(session, head, resting, grown.told)
        if self._interest.is_elsewhere(session, resting=resting) or grown.told:
            self._announce(growth)
        else:
            self._miss(session)

    def say(self, delta: Delta) -> None:
        """See `Bus.say`."""
        self._local.say(delta)
        session = delta.session
        if self._interest.is_followed(session):
            if delta.offset == 0:
                self._foreign.pop(session, None)
                self._sent[session] = 0, 0
            if session in self._sent:
                self._more[session] = None
                self._line.ring()

    @contextmanager
    def listen(self, session: SessionId, *, rest_only: bool = False) -> Generator[Listener]:
        """See `Bus.listen`. Text so far that is elsewhere comes as soon as that can be."""
        with self._local.listen(session, rest_only=rest_only) as listener:
            if self._interest.begin(session, rest_only=rest_only):
                self._ask(news.Follow(session, rest_only, afresh=True))
            try:
                yield listener
            finally:
                if self._interest.end(session, rest_only=rest_only) and not rest_only:
                    self._forget(session)

    def begin(self, *, again: bool) -> None:
        """See `Party.begin`."""
        self._hello_at = asyncio.get_running_loop().time()
        self._others_until = self._hello_at + _ANSWER_S
        self._hello = news.hello(anew=True)
        self._follow_all(afresh=True)
        if again:
            self._local.look()

    def beat(self) -> None:
        """See `Party.beat`."""
        now = asyncio.get_running_loop().time()
        self._gaps.clear()
        for session in self._interest.expire(now):
            self._sent.pop(session, None)
            self._more.pop(session, None)
        greets = now >= self._hello_at + _HELLO_S
        if greets:
            self._hello_at = now
            self._hello = self._hello or news.hello(anew=False)
        if greets and not self._is_alone():
            self._follow_all(afresh=False)
        if greets or now < self._sweep_until:
            self._sweeps = True
            self._line.ring()

    async def hear(self, database: AsyncConnection, payloads: Sequence[str]) -> None:
        """See `Party.hear`."""
        self._others_until = asyncio.get_running_loop().time() + _PRESENT_S
        all_news = [each for payload in payloads for each in news.heard(payload)]
        said = await self._fetched(database, all_news)
        for each in all_news:
            match each:
                case news.Texts(batch):
                    for delta in said.get(batch, ()):
                        self._take_text(delta)
                case news.Growth():
                    self._take_growth(each)
                case news.Follow():
                    self._take_follow(each)
                case news.Hello(anew):
                    self._take_hello(anew=anew)
                case news.Look(tenant):
                    self._local.look(tenant)

    async def send(self, database: AsyncConnection) -> None:
        """See `Party.send`. Text goes before the growth that follows on it."""
        now = asyncio.get_running_loop().time()
        told = [self._hello] if self._hello else []
        told += news.follows(self._follows.values())
        self._follows, self._hello = {}, ""
        for session in list(self._more):
            self._rest(session)
        rests = list(self._rests)
        self._rests.clear()
        growths, self._growths = self._growths, {}
        if told:
            await database.execute(_TELL, (told,))
        for first in range(0, len(rests), _ROWS_MAX):
            await database.execute(_SAY, _columns(rests[first : first + _ROWS_MAX]))
            self._sweep_until = now + _SWEEP_S
        if growths:
            await database.execute(_TELL, (news.growths(growths.values()),))
        if self._sweeps:
            self._sweeps = False
            await database.execute(_SWEEP)

    def _is_alone(self) -> bool:
        """Whether nobody else is there, and whoever was would have answered."""
        return asyncio.get_running_loop().time() > self._others_until

    def _miss(self, session: SessionId) -> None:
        """Remember that somebody may ask what has become of this session."""
        self._unsaid[session] = None
        if len(self._unsaid) > _SESSIONS_MAX:
            del self._unsaid[next(iter(self._unsaid))]

    def _announce(self, growth: news.Growth) -> None:
        if self._is_alone():
            self._miss(growth.session)
            return
        session, head, resting, told = growth
        if before := self._growths.pop((session, told), None):
            head, resting = max(before.head, head), before.resting or resting
        self._growths[session, told] = news.Growth(session, head, resting, told)
        if len(self._growths) > _SESSIONS_MAX:
            del self._growths[next(iter(self._growths))]
        self._unsaid.pop(session, None)
        self._line.ring()

    def _ask(self, follow: news.Follow) -> None:
        if not self._is_alone():
            self._follows[follow.session, follow.rest_only] = follow
            self._line.ring()

    def _follow_all(self, *, afresh: bool) -> None:
        for follow in self._interest.here(afresh=afresh):
            self._follows.setdefault((follow.session, follow.rest_only), follow)

    def _forget(self, session: SessionId) -> None:
        """Let go of what others say: from now on nobody here hears how it goes on."""
        self._follows.pop((session, False), None)
        if self._foreign.pop(session, None):
            self._local.grown(Grown(session))

    def _rest(self, session: SessionId) -> None:
        """Take what others have not got yet of a reply."""
        self._more.pop(session, None)
        said, (pieces, offset) = self._local.said(session), self._sent[session]
        if said is None:
            return
        first, texts = said
        if text := "".join(texts[pieces:]):
            self._rests.append(Delta(session, first.seq, first.epoch, offset, text))
            self._sent[session] = len(texts), offset + len(text)

    def _take_hello(self, *, anew: bool) -> None:
        if anew:
            self._hello = self._hello or news.hello(anew=False)
            self._follow_all(afresh=False)
            self._line.ring()

    def _take_growth(self, growth: news.Growth) -> None:
        if growth.told:
            self._heard(growth.session)
        elif growth.head > self._foreign.get(growth.session, (0, 0, 0))[0]:
            self._foreign.pop(growth.session, None)
        else:
            return  # Its text was faster, and has said so.
        grown = Grown(growth.session, (), growth.head, growth.told)
        self._local.grown(grown, resting=growth.resting)

    def _take_follow(self, follow: news.Follow) -> None:
        """Say what was not said as nobody wanted to know, and the text so far."""
        session, now = follow.session, asyncio.get_running_loop().time()
        is_new = self._interest.hear(follow, now + _PRESENT_S)
        if not (is_new or follow.afresh):
            return
        if session in self._unsaid:
            self._announce(news.Growth(session, 0, resting=True, told=True))
        if not follow.rest_only and session not in self._foreign and self._local.said(session):
            self._sent[session] = 0, 0
            self._more[session] = None
            self._line.ring()

    def _take_text(self, delta: Delta) -> None:
        """Pass on what is new of it to listeners here."""
        session = delta.session
        if not self._interest.is_followed_here(session):
            return
        *known, end = self._foreign.get(session, (0, 0, 0))
        reply = [delta.seq, delta.epoch]
        end = end if reply == known else 0
        if reply < known:
            return
        if delta.offset > end:
            self._gap(session)
            return
        if reply > known:
            # Whoever listens has to know that the model was asked before they hear its answer.
            self._local.grown(Grown(session, (), delta.seq))
        if text := delta.text[end - delta.offset :]:
            self._foreign[session] = delta.seq, delta.epoch, end + len(text)
            self._local.say(Delta(session, delta.seq, delta.epoch, end, text))

    def _gap(self, session: SessionId) -> None:
        """Ask for the text so far, once a second."""
        if session not in self._gaps:
            self._gaps.add(session)
            self._ask(news.Follow(session, rest_only=False, afresh=True))

    async def _fetched(
        self, database: AsyncConnection, all_news: Sequence[news.News]
    ) -> Mapping[int, Sequence[Delta]]:
        """Return the batches of text that may have to do with what is followed here."""
        batches, lines, said = list[int](), set[int](), dict[int, list[Delta]]()
        for each in all_news:
            if isinstance(each, news.Texts) and (found := self._interest.followed_here(each.lines)):
                batches.append(each.batch)
                lines.update(found)
        if batches:
            rows = await database.execute(_FETCH, (batches, list(lines)), binary=True)
            for batch, tenant, name, seq, epoch, start, text in await rows.fetchall():
                session, decoded = SessionId(tenant, name), text.decode("utf-8", "surrogatepass")
                said.setdefault(batch, []).append(Delta(session, seq, epoch, start, decoded))
        return said


def _columns(deltas: Sequence[Delta]) -> tuple[Sequence[object], ...]:
    """Return the columns of a batch, and the lines that it has to do with."""
    lines = [news.line_of(delta.session) for delta in deltas]
    return (
        lines,
        [delta.session.tenant for delta in deltas],
        [delta.session.name for delta in deltas],
        [delta.seq for delta in deltas],
        [delta.epoch for delta in deltas],
        [delta.offset for delta in deltas],
        [delta.text.encode("utf-8", "surrogatepass") for delta in deltas],
        list(set(lines)),
    )
