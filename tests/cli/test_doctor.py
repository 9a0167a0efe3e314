"""What doctor finds, where somebody tampered with the store."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.cli.shop import SHOP
from tests.cli.terminal import jackline

SPEND = """
PAID = Terms("paid", Price(1, 1))
payer = Agent("payer", model=ScriptedModel(["Thank you."], terms=PAID),
              budget=Budget(user_usd_per_day=1))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(SHOP + SPEND)
    (tmp_path / "jackline.toml").write_text('app = "shop:payer"\n')
    assert jackline(tmp_path, "run", "hello", "--session", "s1").returncode == 0
    return tmp_path


def change(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / "jackline.db")) as database, database:
        database.execute(statement)


def findings(folder: Path, code: int) -> dict[str, tuple[str, str]]:
    done = jackline(folder, "doctor", "--json")
    assert done.returncode == code, done.stdout + done.stderr
    return {each["what"]: (each["verdict"], each["text"]) for each in json.loads(done.stdout)}


def test_a_store_in_order_is_well(folder: Path) -> None:
    found = findings(folder, 0)
    assert found["money"][0] == found["wake-ups"][0] == found["schema"][0] == "ok"
    assert found["journal mode"] == ("ok", "wal")
    assert found["agents"] == ("ok", "payer")
    assert found["app"] == ("note", "shop:payer  (jackline.toml)")


@pytest.mark.parametrize(
    ("statement", "whose"),
    [
        ("UPDATE session SET spent = spent - 1", "session s1"),
        ("UPDATE session SET held = 5", "session s1"),
        ("UPDATE account SET spent = spent - 1", "account user/local/"),
        ("UPDATE account SET spent = spent + 1", "account user/local/"),
        ("UPDATE account SET held = 5", "account user/local/"),
        ("UPDATE usage SET cost = cost - 1", "user local used"),
        ("DELETE FROM usage", "user local used"),
    ],
)
def test_money_that_the_events_do_not_tell_of_is_a_breach(
    folder: Path, statement: str, whose: str
) -> None:
    change(folder, statement)
    verdict, text = findings(folder, 1)["money"]
    assert verdict == "breach"
    assert whose in text


def test_a_lost_wake_up_is_a_breach(folder: Path) -> None:
    (folder / "jackline.toml").write_text('app = "shop:support"\n')
    jackline(folder, "run", "refund", "--session", "s2")
    number = str(json.loads(jackline(folder, "approve", "s2", "--json").stdout)["question"])
    jackline(folder, "approve", "s2", number)
    change(folder, "UPDATE session SET due_at = NULL WHERE name = 's2'")
    verdict, text = findings(folder, 1)["wake-ups"]
    assert verdict == "breach"
    assert "nothing will wake it" in text


def test_a_damaged_file_is_for_the_operator(folder: Path) -> None:
    path = folder / "jackline.db"
    jackline(folder, "migrate")
    data = bytearray(path.read_bytes())
    data[100:4000] = bytes(3900)
    path.write_bytes(data)
    (folder / "jackline.db-wal").unlink(missing_ok=True)
    verdict, text = findings(folder, 3)["database"]
    assert verdict == "fail"
    assert "damaged" in text


def test_a_schema_of_a_newer_version_is_for_the_operator(folder: Path) -> None:
    change(folder, "INSERT INTO migration VALUES (9999, 'future', 'x', 0)")
    for command in (("doctor",), ("sessions",), ("migrate", "--check"), ("run", "hello")):
        done = jackline(folder, *command)
        assert done.returncode == 3, command
        assert "upgrade jackline" in done.stdout + done.stderr
        assert "Traceback" not in done.stderr


def test_a_guard_that_an_agent_does_without_is_told_with_the_reason(folder: Path) -> None:
    assert "guards" not in findings(folder, 0)
    bare = 'payer = Agent("payer", model=ScriptedModel(["Thank you."]), guards=[%s])\n'
    gone = 'Unguarded("links", reason="It links to whatever it has found.")'
    source = SHOP + "from jackline import Unguarded\n"
    (folder / "shop.py").write_text(source + bare % gone)
    note = "payer is without its links: It links to whatever it has found."
    assert findings(folder, 0)["guards"] == ("note", note)
    (folder / "shop.py").write_text(source + bare % gone.replace('"links"', '"link"'))
    verdict, text = findings(folder, 0)["agents"]
    assert verdict == "warn"
    assert "Unguarded('link') takes nothing away" in text
