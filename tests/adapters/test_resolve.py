"""Models by their names."""

import asyncio
import subprocess
import sys
from contextlib import aclosing

import pytest

from jackline.adapters.models import resolve
from jackline.core.errors import AccessError, DefinitionError
from jackline.core.messages import Message, Text
from jackline.ports import Request
from jackline.testing.model import ScriptedModel


def test_a_model_is_returned_as_it_is() -> None:
    model = ScriptedModel(["hi"])
    assert resolve(model) is model


def test_options_for_a_model_that_is_one_already_are_refused() -> None:
    with pytest.raises(DefinitionError, match="a model already"):
        resolve(ScriptedModel(["hi"]), base_url="http://127.0.0.1")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("gpt-5", "'gpt-5' names no model: say 'provider:model', or 'local'."),
        ("openai:", "'openai:' names no model"),
        ("opnai:gpt-5", "There is no provider 'opnai'"),
        ("groq:llama", "'groq:llama' needs the SDK of groq: pip install 'pydantic-ai-slim[groq]'."),
    ],
)
def test_a_name_that_leads_nowhere_is_told_in_one_sentence(name: str, sentence: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        resolve(name)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_sdk_is_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("pydantic_ai.providers.anth")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "anthropic", None)
    with pytest.raises(DefinitionError, match=r"pip install 'jackline\[anthropic\]'"):
        resolve("anthropic:claude-sonnet-4-6")


def test_a_missing_key_is_told_when_the_model_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask() -> None:
        request = Request("turn/1/model/0", "", [Message("user", (Text("hi"),))], (), 64)
        async with aclosing(resolve("anthropic:claude-sonnet-4-6").stream(request)) as items:
            await anext(items)

    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    with pytest.raises(AccessError, match="ANTHROPIC_API_KEY") as caught:
        asyncio.run(ask())
    assert caught.value.sent is False


@pytest.mark.parametrize("key", ["warmth", "max_tokens", "anthropic_thinking"])
def test_a_setting_that_nothing_would_read_is_refused(key: str) -> None:
    with pytest.raises(DefinitionError, match=key):
        resolve("openai:gpt-4o", api_key="k", settings={key: 1})


def test_a_model_does_not_show_its_key() -> None:
    assert "secret" not in repr(vars(resolve("openai:gpt-4o", api_key="secret")))


def test_names_are_resolved_without_loading_what_they_do_not_need() -> None:
    lines = [
        "import sys, jackline.adapters.models, jackline.adapters.prices",
        "heavy = {'pydantic_ai', 'openai', 'genai_prices', 'httpx2', 'xllamacpp'}",
        "sys.exit(', '.join(heavy & set(sys.modules)) or None)",
    ]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
