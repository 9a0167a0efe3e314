"""What jackline logs says what happened, and no secret that an error quotes."""

import logging
import re
import sys
from pathlib import Path

import pytest

from jackline import Agent, Runtime
from jackline.testing import ScriptedModel

SRC = Path(__file__).parent.parent.parent / "src"
KEY = "AKIAIOSFODNN7EXAMPLE"
LOG = logging.getLogger("jackline")


@pytest.fixture(autouse=True)
def redacting() -> None:
    Runtime([Agent("support", ScriptedModel(["Hi."]))])
    Runtime([Agent("support", ScriptedModel(["Hi."]))])
    assert len(LOG.filters) == 1


def test_a_message_is_redacted_with_its_arguments(caplog: pytest.LogCaptureFixture) -> None:
    LOG.warning("%s said %s", "ann@example.com", f"password: hunter2!, {KEY}")
    LOG.warning("All is %d %%.", 100)
    assert [record.getMessage() for record in caplog.records] == [
        "ann@example.com said password: [redacted:password], [redacted:aws-key]",
        "All is 100 %.",
    ]


def test_numbers_in_a_row_and_behind_an_escape_are_redacted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    LOG.warning("Row %s", "Ann,4111111111111111,123-45-6789,12/27")
    LOG.warning("Asked %r", "card=4111111111111111\n5105105105105100")
    LOG.warning("Asked /card/4111111111111111?iban%3DDE89370400440532013000")
    assert [record.getMessage() for record in caplog.records] == [
        "Row Ann,[redacted:card],[redacted:us-ssn],12/27",
        r"Asked 'card=[redacted:card]\n[redacted:card]'",
        "Asked /card/[redacted:card]?iban%3D[redacted:iban]",
    ]


def _fail(text: str) -> None:
    raise ValueError(text)


def test_a_traceback_is_redacted_and_its_exception_goes_with_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    try:
        _fail(f"no {KEY}")
    except ValueError:
        LOG.exception("It broke.", stack_info=True)
    (record,) = caplog.records
    assert KEY not in caplog.text
    assert "ValueError: no [redacted:aws-key]" in caplog.text
    assert "in _fail" in caplog.text
    assert record.exc_info is None


def test_an_exception_without_a_secret_stays_whole(caplog: pytest.LogCaptureFixture) -> None:
    try:
        _fail("no")
    except ValueError:
        LOG.exception("It broke.")
    (record,) = caplog.records
    assert record.exc_info is not None
    assert "ValueError: no" in caplog.text


def test_what_cannot_be_formatted_is_told_without_its_arguments(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    LOG.addHandler(handler := logging.StreamHandler(sys.stderr))
    try:
        LOG.warning("%d items", KEY)
    finally:
        LOG.removeHandler(handler)
    assert [each.getMessage() for each in caplog.records] == [
        "A record that cannot be formatted: TypeError."
    ]
    assert KEY not in "".join(capsys.readouterr())


@pytest.mark.parametrize("name", ["jackline.server", "jackline.a.b"])
def test_what_a_logger_below_says_is_redacted_too(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    below = logging.getLogger(name)
    below.warning("It said %r", f"A=1\n{KEY}")
    try:
        _fail(f"no {KEY}")
    except ValueError:
        below.exception("It broke.")
    assert KEY not in caplog.text
    assert caplog.records[0].getMessage() == r"It said 'A=1\n[redacted:aws-key]'"
    assert "ValueError: no [redacted:aws-key]" in caplog.text


def test_what_others_log_and_how_they_make_records_stays() -> None:
    made = logging.getLogRecordFactory()
    Runtime([Agent("support", ScriptedModel(["Hi."]))])
    assert logging.getLogRecordFactory() is made, "it is wrapped once"
    for name in ("jacklines", "other"):
        record = logging.makeLogRecord({"name": name, "msg": KEY})
        assert record.getMessage() == KEY
        assert made(name, 20, "", 1, KEY, (), None).getMessage() == KEY


def test_all_of_jackline_logs_where_it_is_redacted() -> None:
    names = [
        name
        for path in SRC.rglob("*.py")
        for name in re.findall(r"getLogger\(([^)]*)\)", path.read_text(encoding="utf-8"))
    ]
    # That of a server beside it is redacted by name.
    beside = {'"uvicorn.error"'}
    assert {name for name in names if not re.fullmatch(r'"jackline(\.[a-z.]+)?"', name)} <= beside
    assert names
