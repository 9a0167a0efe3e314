"""Uploads of text hold no secret, whatever they are called and however they come."""

import asyncio
from typing import Any

import httpx2
import pytest
from tests.interfaces.served import served

from jackline import Agent, Runtime, SessionId, Upload, User
from jackline.core.events import TurnSubmitted
from jackline.core.messages import File, Image
from jackline.core.secrecy import Secrecy
from jackline.interfaces.identity import Development
from jackline.runtime.secrecy import without_secrets
from jackline.testing import ScriptedModel

ANN = User("ann", "acme")
KEY = "AKIAPLANTED00090ABCD"
MARKED = [("utf-8-sig", "text/plain"), ("utf-16", "text/csv"), ("utf-32", "text/plain")]
CALLED = [
    "application/toml",
    "application/x-yaml",
    "application/x-ndjson",
    "application/ld+json",
    "image/svg+xml",
    "application/x-pem-file",
    "application/x-sh",
    "application/octet-stream",
    "application/JSON",
    "image/png",
]


@pytest.mark.parametrize(
    ("encoding", "media_type"),
    [
        *[("utf-8", each) for each in CALLED],
        *MARKED,
        ("utf-16-le", "text/plain; charset=utf-16le"),
        ("utf-16-be", "application/octet-stream"),
        ("latin-1", "application/octet-stream"),
    ],
)
def test_an_upload_is_text_by_its_bytes_and_not_by_what_it_is_called(
    encoding: str, media_type: str
) -> None:
    said = f'{{"grüße": "{KEY}"}}'

    async def kept() -> str:
        async with Runtime(
            [Agent("support", ScriptedModel(["Well."]))], store="memory://"
        ) as runtime:
            upload = Upload(said.encode(encoding), media_type, tokens_max=100)
            await runtime.run("support", ["See", upload], session="s", user=ANN)
            records = await runtime.store.read(SessionId("acme", "s"))
            parts = next(r.event for r in records if isinstance(r.event, TurnSubmitted)).parts
            assert isinstance(parts[1], File | Image)
            assert isinstance(parts[1], Image) or parts[1].is_text
            data, _ = await runtime.store.get(SessionId("acme", "s"), parts[1].artifact)
            return data.decode(encoding)

    told = asyncio.run(kept())
    assert KEY not in told
    assert told.startswith(('{"grüße": "[secret:', '{"grüße":"[secret:'))


def test_a_control_hides_no_secret_of_what_is_called_text() -> None:
    for tail in ("\x01", "\0", "\0\0", "\0a\0"):
        upload = Upload(f"grusz: {KEY}{tail}".encode(), "text/plain")
        secrets = Secrecy(b"k" * 32, SessionId("acme", "s"))
        (kept,) = without_secrets(secrets, [upload])
        assert isinstance(kept, Upload)
        assert KEY.encode() not in kept.data
        assert kept.data.endswith(tail.encode())


def test_a_file_that_is_uploaded_by_itself_holds_no_secret_either() -> None:
    async def story() -> None:
        agent = Agent("support", ScriptedModel(["Well."]))
        async with Runtime([agent], store="memory://") as runtime:
            session = await runtime.sessions.open("support", ANN, "s")
            async with served(runtime, [Development(ANN)]) as client:
                for media_type in ("application/octet-stream", "text/plain"):
                    kept = await uploaded(client, f"key: {KEY}".encode(), media_type)
                    data, _ = await runtime.store.get(session, kept["artifact"])
                    assert data.startswith(b"key: [secret:aws-key:")
                    assert kept["size_bytes"] == len(data)
                picture = b"\x89PNG\r\n\x1a\n\x00" + KEY.encode()
                kept = await uploaded(client, picture, "image/png")
                assert (await runtime.store.get(session, kept["artifact"]))[0] == picture

    asyncio.run(story())


async def uploaded(client: httpx2.AsyncClient, data: bytes, media_type: str) -> dict[str, Any]:
    where = "/v1/sessions/s/artifacts"
    answer = await client.post(where, content=data, headers={"Content-Type": media_type})
    assert answer.status_code == 201, answer.text
    return answer.json()
