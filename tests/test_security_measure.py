"""No replayed attack has success, with no plan, a deterministic planner's, or an oracle's (G6)."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.verify
@pytest.mark.timeout(1_800)
def test_no_replayed_attack_gets_past_flow() -> None:
    """In an environment of its own, which is built where it is not there."""
    done = subprocess.run(
        ["make", "--no-print-directory", "bench-security", "ARGS=--quick"],  # noqa: S607 - make is the user's
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=1_500,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line for line in done.stdout.splitlines() if "attacks   0 of 824" in line]
    assert len(lines) == 6
    assert "undefended: 816 of 824 attacks succeed" in done.stdout
