"""What operators say holds wherever a runtime drives, for the tenant that they say it of."""

import asyncio
from pathlib import Path

import pytest

from jackline import (
    Agent,
    CallerError,
    DefinitionError,
    InputError,
    Price,
    Runtime,
    Settings,
    Terms,
    ToolCall,
    User,
    tool,
)
from jackline.adapters.policies import read_policy
from jackline.core import events as e
from jackline.core.permit.overlay import Overlay
from jackline.testing import ScriptedModel

ANN, EVE = User("ann", "acme"), User("eve", "globex")
RULES = """
[[rule]]
name = "closed"
tool = "pay"
tenant = "acme"
deny = true

[[rule]]
name = "small"
tenant = "acme"
limits = { input_bytes = 10 }
budget = { usd = "0.10", user_usd_per_day = 1 }
"""


@tool(effect="once")
async def pay(cents: int) -> str:
    """Pay."""
    return f"{cents} paid"


def payer() -> Agent:
    script = [[ToolCall("pay", '{"cents": 5}')], "Done."]
    terms = Terms("dear", Price(1, 1))
    return Agent("payer", ScriptedModel({"Pay": script}, terms=terms), tools=[pay])


def runtime(policy: str | Path | Overlay) -> Runtime:
    return Runtime([payer()], store="memory://", policy=policy)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "policy.toml"
    path.write_text(RULES)
    return path


async def outcome(driver: Runtime, user: User) -> e.Event:
    """Return what became of the call that the model makes for this user."""
    events = [
        record.event
        async for record in driver.stream("payer", "Pay", user=user)
        if isinstance(record, e.Record)
    ]
    (found,) = [each for each in events if isinstance(each, e.ToolRefused | e.ToolReturned)]
    return found


def test_settings_say_whether_there_is_a_policy(file: Path) -> None:
    for said, allows in ((Settings(), True), (Settings(policy=str(file)), False)):

        async def story(policy: str) -> e.Event:
            async with asyncio.timeout(20), runtime(policy) as driver:
                return await outcome(driver, ANN)

        assert isinstance(asyncio.run(story(said.policy)), e.ToolReturned) is allows


def test_operators_rules_hold_for_the_tenant_that_they_name_and_for_no_other(
    file: Path,
) -> None:
    async def run() -> None:
        for policy in (file, str(file), read_policy(file)):
            async with runtime(policy) as driver:
                refused = await outcome(driver, ANN)
                assert isinstance(refused, e.ToolRefused)
                assert refused.rules == (f"policy/{driver.policy.digest}/closed",)
                assert isinstance(await outcome(driver, EVE), e.ToolReturned)

    asyncio.run(run())


def test_a_budget_of_operators_is_an_account_of_their_tenant_alone(file: Path) -> None:
    async def run() -> None:
        async with runtime(file) as driver:
            await driver.run("payer", "Pay", user=ANN)
            await driver.run("payer", "Pay", user=EVE)
            (account,) = await driver.store.accounts("acme")
            assert (account.name.startswith("user/ann/"), account.limit) == (True, 1_000_000)
            assert not await driver.store.accounts("globex")

    asyncio.run(run())


def test_an_input_is_as_large_as_operators_let_it_be(file: Path) -> None:
    async def run() -> None:
        async with runtime(file) as driver:
            with pytest.raises(InputError, match="10 bytes"):
                await driver.run("payer", "Pay and say more", user=ANN)
            session = await driver.sessions.open("payer", ANN)
            with pytest.raises(CallerError, match=r"policy holds usd at \$0\.10 here"):
                await driver.sessions.raise_limits(session, ANN, {"usd": 1})
            with pytest.raises(InputError, match="Say which limit"):
                await driver.sessions.raise_limits(session, ANN, {})
            theirs = await driver.sessions.open("payer", EVE)
            await driver.sessions.raise_limits(theirs, EVE, {"usd": 1})

    asyncio.run(run())


def test_a_policy_is_read_once_at_the_start(file: Path) -> None:
    driver = runtime(file)
    file.write_text("")

    async def run() -> None:
        async with driver:
            assert isinstance(await outcome(driver, ANN), e.ToolRefused)

    asyncio.run(run())


def test_a_turn_is_driven_for_as_long_as_operators_let_it_be(file: Path) -> None:
    file.write_text("[[rule]]\nlimits = { driven_s = 0.2 }\n")

    @tool(effect="read", timeout_s=60)
    async def hang() -> str:
        """Never return."""
        await asyncio.Event().wait()
        return ""

    async def run() -> str:
        model = ScriptedModel([[ToolCall("hang", "{}")]])
        agents = [Agent("payer", model, tools=[hang])]
        async with asyncio.timeout(20), Runtime(agents, store="memory://", policy=file) as driver:
            return (await driver.run("payer", "Wait")).code

    assert asyncio.run(run()) == "driven"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("nonsense", "policy.toml: It is no TOML"),
        ("[[rule]]\ndeny = false", "policy.toml: Rule 'rule-1', deny: it is false"),
        ('[[rule]]\nagent = "payer"\nlimits = { tool_calls = 51 }', "a policy only tightens"),
        ('[[rule]]\nforbid_models = "*"', "Every model of payer is forbidden"),
        ('cedar = "absent.cedar"', "absent.cedar' cannot be read"),
    ],
)
def test_no_runtime_is_made_with_rules_that_are_wrong(file: Path, text: str, told: str) -> None:
    file.write_text(text)
    with pytest.raises(DefinitionError) as raised:
        runtime(file)
    assert told in str(raised.value)


@pytest.mark.parametrize("name", ["absent.toml", "", "a\0b"])
def test_a_file_that_cannot_be_read_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="cannot be read"):
        runtime(tmp_path / name)


def test_a_file_that_is_no_text_or_too_large_is_refused(file: Path) -> None:
    file.write_bytes(b"\xff")
    with pytest.raises(DefinitionError, match="cannot be read"):
        runtime(file)
    file.write_text("#" * ((1 << 20) + 1))
    with pytest.raises(DefinitionError, match="more than 1,048,576 characters"):
        runtime(file)
