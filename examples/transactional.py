"""A tool that writes to the journal's own database: exactly once, whatever happens.

What it writes and that it returned are one commit. A crash leaves both or neither. Its
connection reads and writes tables of your own: no table of jackline's, nor anything that would
act later (triggers, views, references to jackline's tables).
"""

import asyncio
import sqlite3
from contextlib import closing
from typing import Any

from jackline import Agent, Context, Runtime, ToolCall, ToolError, tool
from jackline.testing import ScriptedModel

DATABASE = "transactional.db"


@tool(effect="transactional")
def reserve(ctx: Context[Any], seat: str) -> str:
    """Reserve a seat.

    Args:
        seat: Row and number, like 4B.
    """
    sql = "INSERT INTO seat (name, taken_by) VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING name"
    if ctx.connection.execute(sql, (seat, ctx.user.user)).fetchone() is None:
        raise ToolError(f"Seat {seat} is taken.")
    return f"Seat {seat} is yours."


# For a real model: model="openai:gpt-5.4-mini", with OPENAI_API_KEY set.
model = ScriptedModel([[ToolCall("reserve", '{"seat": "4B"}')], "Seat 4B is reserved for you."])
usher = Agent("usher", model=model, tools=[reserve])


async def main() -> None:
    """Reserve a seat, and look who has it."""
    with closing(sqlite3.connect(DATABASE)) as database:
        database.execute("CREATE TABLE IF NOT EXISTS seat (name TEXT PRIMARY KEY, taken_by TEXT)")
    async with Runtime([usher], store=f"sqlite:///{DATABASE}") as runtime:
        result = await runtime.run("usher", "Seat 4B, please.")
        print(result.output)
    with closing(sqlite3.connect(DATABASE)) as database:
        print(database.execute("SELECT name, taken_by FROM seat").fetchall())


if __name__ == "__main__":
    asyncio.run(main())
