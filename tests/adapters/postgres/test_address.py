"""What a store's URL says of where the database is, and of who stands before it."""

import asyncio
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from psycopg.conninfo import conninfo_to_dict
from tests.pooler import pooled

from jackline import Agent, Runtime
from jackline.adapters.postgres.address import direct_options, options, place
from jackline.core.errors import DefinitionError
from jackline.testing import ScriptedModel

POOLED = "postgresql://app:secret@pooler:6432/journal?sslmode=require&direct=db.internal:5433"


def test_what_listens_goes_past_the_pooler_and_nothing_else_does() -> None:
    through, past = conninfo_to_dict(options(POOLED)), conninfo_to_dict(direct_options(POOLED))
    assert (through["host"], through["port"]) == ("pooler", "6432")
    assert (past["host"], past["port"]) == ("db.internal", "5433")
    for both in ("user", "password", "dbname", "sslmode", "application_name"):
        assert through[both] == past[both]
    assert place(POOLED) == "Postgres journal on pooler"


def test_a_port_may_be_left_out_and_the_whole() -> None:
    past = conninfo_to_dict(direct_options("postgresql://pooler:6432/journal?direct=db"))
    assert (past["host"], past.get("port")) == ("db", None)
    past = conninfo_to_dict(direct_options("postgresql://pooler/journal?direct=[::1]:5433"))
    assert (past["host"], past["port"]) == ("::1", "5433")
    plain = "postgresql://db:5432/journal"
    assert direct_options(plain) == options(plain)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://db/journal?nothing=of-the-kind",
        "postgresql://[/x",
        *(
            f"postgresql://db/x?direct={direct}"
            for direct in ("a:b", "a:b:c", "db:99999", ":1", "")
        ),
    ],
)
def test_a_url_that_is_none_is_said_to_be(url: str) -> None:
    with pytest.raises(DefinitionError, match="none of Postgres's"):
        options(url)


def test_a_turn_is_woken_and_driven_behind_a_pooler(postgres_url: str) -> None:
    async def turn(url: str) -> str:
        agent = Agent("clerk", ScriptedModel(["Hello."]))
        async with asyncio.timeout(30), Runtime([agent], store=url) as runtime:
            return (await runtime.run("clerk", "Hi.")).text

    folder = parse_qs(urlsplit(postgres_url).query).get("host", [""])[0]
    direct = folder or urlsplit(postgres_url).netloc.rpartition("@")[2]
    with pooled(postgres_url) as pooler:
        join = "&" if "?" in pooler.url else "?"
        assert asyncio.run(turn(f"{pooler.url}{join}direct={quote(direct)}")) == "Hello."
        assert pooler.transactions > 0
