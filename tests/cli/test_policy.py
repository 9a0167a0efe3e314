"""`jackline policy`, and what operators' rules do to the commands that drive: real processes."""

import json
import signal
import subprocess
from pathlib import Path

import pytest
from tests.cli.shop import SHOP
from tests.cli.terminal import COMMAND, environment, jackline

RULES = """
[[rule]]
name = "desk"
tool = "refund"
tenant = "acme"
deny = "The desk makes refunds."

[[rule]]
name = "careful"
tool = "find"
role = "trainee"
approve = "Trainees ask first."

[[rule]]
name = "outside"
agent = "support"
tool = "refund"
outbound = true
critical = { cents = "developer" }

[[rule]]
name = "cheap"
limits = { tool_calls = 5 }
budget = { usd = "0.10" }
forbid_models = "openai:*"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "jackline.toml").write_text('app = "shop:support"\npolicy = "policy.toml"\n')
    (tmp_path / "policy.toml").write_text(RULES)
    return tmp_path


def lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def question(folder: Path, session: str, *options: str) -> str:
    return str(
        lines(jackline(folder, "approve", session, "--json", *options).stdout)[0]["question"]
    )


def test_a_check_tells_what_holds_for_a_user(folder: Path) -> None:
    done = jackline(folder, "policy", "check")
    assert (done.returncode, done.stderr) == (0, "")
    for part in (
        "policy.toml: 4 rules, digest ",
        "For users of tenant default with no roles:",
        "lowered to: tool_calls 5, usd $0.10",
        "  find (read): for all, approval never\n",
        "  refund (once): for all, approval always\n      outbound; critical: order_id from ",
        " from user, cents from developer\n      by rules: outside\n",
    ):
        assert part in done.stdout
    acme = jackline(folder, "policy", "check", "--tenant", "acme", "--role", "trainee")
    assert "refund (once): denied, approval always" in acme.stdout
    assert "find (read): for all, approval always\n      by rules: careful\n" in acme.stdout
    assert "with trainee" in acme.stdout


def test_a_check_is_read_by_programs(folder: Path) -> None:
    done = jackline(folder, "policy", "check", "--tenant", "acme", "--role", "trainee", "--json")
    (told,) = lines(done.stdout)
    (agent,) = told["agents"]  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType] - it is JSON
    find, refund, wait = agent["tools"]  # pyright: ignore[reportUnknownVariableType] - as above
    assert find["approval"] == "always"
    assert find["rules"] == ["careful"]
    assert refund["denied"] is refund["outbound"] is True
    assert refund["critical"] == {"cents": "developer", "order_id": "user"}
    assert wait == {
        "tool": "wait",
        "effect": "read",
        "denied": False,
        "roles": [],
        "approval": "never",
        "predicate": False,
        "outbound": False,
        "critical": {},
        "rules": [],
    }
    assert agent["budget"]["usd"] == 100_000
    assert agent["lowered"] == ["tool_calls", "usd"]


def test_a_check_without_a_policy_tells_what_the_code_says(folder: Path) -> None:
    (folder / "jackline.toml").write_text('app = "shop:several"\n')
    done = jackline(folder, "policy", "check")
    assert done.returncode == 0
    assert "There is no policy: what the code says holds." in done.stdout
    assert "Agent poor" in done.stdout


def test_a_check_without_an_app_looks_at_the_rules_alone(folder: Path) -> None:
    (folder / "jackline.toml").unlink()
    done = jackline(folder, "policy", "check", "--policy", "policy.toml")
    assert (done.returncode, done.stderr) == (0, "")
    assert "No app was named" in done.stdout


def test_a_check_tells_all_that_is_wrong_and_exits_with_2(folder: Path) -> None:
    (folder / "policy.toml").write_text(
        "[[rule]]\napprove = false\n[[rule]]\nagnet = 1\ndeny = true\n"
        '[[rule]]\nagent = "support"\nlimits = { tool_calls = 99 }\n'
    )
    done = jackline(folder, "policy", "check")
    assert done.returncode == 2
    told = done.stderr.splitlines()
    assert [line.partition(", ")[0] for line in told[:1]] == ["jackline: Rule 'rule-1'"]
    assert "did you mean 'agent'?" in told[1]
    assert "sets tool_calls = 99 for support, which has 50: a policy only tightens" in told[2]
    assert len(told) == 3
    assert done.stdout == "", "what was refused does not hold"
    as_json = jackline(folder, "policy", "check", "--json")
    assert (as_json.returncode, len(lines(as_json.stdout)[0]["problems"])) == (2, 3)  # pyright: ignore[reportArgumentType] - it is JSON
    assert lines(as_json.stdout)[0]["agents"] == []


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ('tool = "refnud"\ndeny = true', "is about no tool of its agents: refnud."),
        (
            'tool = "ref*"\ncritical = { centz = "user" }',
            "is about no argument of its tools: centz.",
        ),
    ],
)
def test_a_rule_about_nothing_that_there_is_is_told_and_exits_with_1(
    folder: Path, rule: str, told: str
) -> None:
    (folder / "policy.toml").write_text(f"[[rule]]\n{rule}\n")
    done = jackline(folder, "policy", "check")
    assert done.returncode == 1
    assert told in done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("check", "s1"), "A check is of all calls"),
        (("explain", "s1"), "Say which call"),
        (("explain", "s1", "find"), "There is no database"),
        (("check", "--policy", "absent.toml"), "'absent.toml' cannot be read"),
        (("check", "--policy", "shop.py"), "It is no TOML"),
        (("look",), "Invalid value for 'check|explain'"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    folder: Path, arguments: tuple[str, ...], told: str
) -> None:
    done = jackline(folder, "policy", *arguments)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (("run", "hello"), "jackline: policy.toml: Rule 'rule-1' asks for nothing"),
        (("chat",), "jackline: policy.toml: Rule 'rule-1' asks for nothing"),
        (("worker",), "jackline: policy.toml: Rule 'rule-1' asks for nothing"),
    ],
)
def test_nobody_drives_with_a_policy_that_is_wrong(
    folder: Path, command: tuple[str, ...], told: str
) -> None:
    (folder / "policy.toml").write_text("[[rule]]\n[[rule]]\n")
    done = jackline(folder, *command)
    assert done.returncode == 2
    assert told in done.stderr
    assert "(1 more: jackline policy check)" in done.stderr
    assert not (folder / "jackline.db").exists()


def test_who_only_looks_is_not_kept_from_it_by_a_policy_that_is_wrong(folder: Path) -> None:
    jackline(folder, "run", "hello", "--session", "s1")
    (folder / "policy.toml").write_text("nonsense")
    assert jackline(folder, "events", "s1").returncode == 0
    doctor = jackline(folder, "doctor")
    assert "nothing is driven with them: policy.toml: It is no TOML" in doctor.stdout


def test_doctor_tells_which_rules_hold(folder: Path) -> None:
    told = jackline(folder, "policy", "check", "--json").stdout
    digest = json.loads(told)["digest"]
    assert f"4 rules, digest {digest}" in jackline(folder, "doctor").stdout


def test_a_worker_tells_under_which_policy_it_drives(folder: Path) -> None:
    digest = json.loads(jackline(folder, "policy", "check", "--json").stdout)["digest"]
    for options in ((), ("--policy", "other.toml")):
        (folder / "other.toml").write_text(RULES)
        worker = subprocess.Popen(
            [*COMMAND, "worker", "--json", *options],
            cwd=folder,
            env=environment(),
            stdout=subprocess.PIPE,
        )
        try:
            assert worker.stdout is not None
            ready = json.loads(worker.stdout.readline())
            assert (ready["state"], ready["policy"]) == ("ready", digest)
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(20) == 0
        finally:
            worker.kill()
            worker.communicate()


def test_what_operators_deny_a_tenant_is_refused_there_and_made_elsewhere(folder: Path) -> None:
    acme = ("--tenant", "acme")
    done = jackline(folder, "run", "refund", "--session", "s1", *acme)
    assert (done.returncode, done.stdout) == (0, "All is done.\n")
    told = jackline(folder, "policy", "explain", "s1", "refund", *acme).stdout
    assert "refund in session s1, agent support: refused." in told
    assert "refused (policy): The user may not use refund: The desk makes refunds. For" in told
    assert "by the operator's rule 'desk' (policy " in told
    assert jackline(folder, "run", "refund", "--session", "s1").returncode == 4
    other = jackline(folder, "policy", "explain", "s1", "refund").stdout
    assert "it waits for a person" in other
    assert "desk" not in other


def test_the_environment_and_an_option_name_the_policy_too(folder: Path) -> None:
    (folder / "strict.toml").write_text('[[rule]]\ntool = "*"\ndeny = true\n')
    for options, more in (
        (("--policy", "strict.toml"), {}),
        ((), {"JACKLINE_POLICY": "strict.toml"}),
    ):
        name = f"s{len(options)}"
        done = jackline(folder, "run", "refund", "--session", name, *options, **more)
        assert (done.returncode, done.stdout) == (0, "All is done.\n")
        assert "refused." in jackline(folder, "policy", "explain", name, "find").stdout


@pytest.mark.verify
def test_a_policy_that_changes_between_approval_and_execution_is_the_one_that_holds(
    folder: Path,
) -> None:
    for number, (rule, code) in enumerate(
        [('deny = "Not any more."', "policy"), ('critical = { order_id = "developer" }', "void")]
    ):
        session = f"s{number}"
        (folder / "policy.toml").write_text(RULES)
        assert jackline(folder, "run", "refund", "--session", session).returncode == 4
        assert jackline(folder, "approve", session, question(folder, session)).returncode == 0
        (folder / "policy.toml").write_text(f'{RULES}\n[[rule]]\ntool = "refund"\n{rule}\n')
        assert jackline(folder, "resume", session).stdout == "All is done.\n"
        assert not (folder / "calls").exists()
        told = jackline(folder, "policy", "explain", session, "refund").stdout
        assert "asked about, and refused." in told
        assert "approved by local" in told
        assert f"refused ({code})" in told


def test_other_arguments_are_approved_under_the_policy_that_asked(folder: Path) -> None:
    assert jackline(folder, "run", "refund", "--session", "s1").returncode == 4
    number, edited = question(folder, "s1"), '{"order_id": "7", "cents": 1}'
    done = jackline(folder, "approve", "s1", number, "--edit", edited)
    assert done.returncode == 0, done.stderr
    assert jackline(folder, "resume", "s1").returncode == 0
    assert (folder / "calls").read_text() == "refund 7 1\n"
    told = jackline(folder, "policy", "explain", "s1", "refund").stdout
    assert "allowed, after a person approved it." in told
    assert 'approved by local, with {"cents": 1, "order_id": "7"}' in told
    assert "let by the operator's rule 'outside'" in told


def test_a_plain_call_is_explained_by_the_silence_of_all_rules(folder: Path) -> None:
    jackline(folder, "run", "refund", "--session", "s1")
    told = jackline(folder, "policy", "explain", "s1", "find").stdout
    assert "find in session s1, agent support: allowed." in told
    assert "no rule of the tool or of operators spoke of it" in told
    (by_key,) = lines(jackline(folder, "policy", "explain", "s1", "6", "--json").stdout)
    assert (by_key["tool"], by_key["verdict"], by_key["user"]) == ("find", "allowed", "local")
    assert by_key["key"] == "turn/2/model/0/tool/0"
    assert "rules" not in jackline(folder, "events", "s1", "--json").stdout.split("input.requ")[0]


def test_a_role_that_has_to_ask_asks(folder: Path) -> None:
    trainee = ("--role", "trainee")
    assert jackline(folder, "run", "refund", "--session", "s1", *trainee).returncode == 4
    shown = jackline(folder, "approve", "s1").stdout
    assert "find needs approval by the operator's policy: Trainees ask first." in shown


def test_a_limit_is_not_raised_above_what_operators_allow(folder: Path) -> None:
    jackline(folder, "run", "hello", "--session", "s1")
    for limit in ("usd=5", "usd=none", "tool_calls=6"):
        done = jackline(folder, "raise", "s1", "--limit", limit)
        assert done.returncode == 2
        assert "The operator's policy holds " in done.stderr
    assert jackline(folder, "raise", "s1", "--limit", "usd=0.10").returncode == 0
    assert jackline(folder, "raise", "s1", "--limit", "session_usd=9").returncode == 0
