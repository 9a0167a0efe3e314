"""A URL that a model names reaches public hosts, and nothing else."""

import asyncio
import gzip
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_address
from typing import Any

import httpx2
import pytest

from jackline import DefinitionError, ToolError
from jackline.tools import http
from jackline.tools.addresses import Reach

LOOPBACK = ["127.0.0.1/32"]
Answer = Callable[[str], bytes]


@asynccontextmanager
async def serving(answer: Answer) -> AsyncGenerator[tuple[int, list[str]]]:
    """Answer each request on loopback, and note its first line and its host."""
    heard: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        heard.append(head)
        writer.write(answer(head.split()[1]))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], heard


def said(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def page(url: str, limit_bytes: int = 1000, **options: Any) -> http.Page:
    async with http.client(**options) as asked, asyncio.timeout(20):
        return await http.get(asked, url, limit_bytes)


def asked(answer: Answer, work: Callable[[int, list[str]], Awaitable[None]]) -> None:
    async def run() -> None:
        async with serving(answer) as (port, heard):
            await work(port, heard)

    asyncio.run(run())


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0.0.0.0",  # noqa: S104 - it is asked, not bound
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[::ffff:0:127.0.0.1]",
        "[fec0::1]",
        "[2002:7f00:1::]",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "168.63.129.16",
        "10.0.0.1",
        "192.168.1.1",
        "100.100.100.200",
        "224.0.0.1",
    ],
)
def test_what_only_this_machine_can_reach_is_not_asked(host: str) -> None:
    async def work(port: int, heard: list[str]) -> None:
        with pytest.raises(ToolError, match=r"may not be asked|no host|Invalid"):
            await page(f"http://{host}:{port}/", ports=[port])
        assert heard == []

    asked(lambda _: said(b"secret"), work)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "::ffff:0:808:808"]
)
def test_the_world_is_in_reach(address: str) -> None:
    assert Reach().includes(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "::ffff:0:127.0.0.1",
        "::ffff:0:169.254.169.254",
        "fec0::1",
        "feff:ffff::1",
        "3fff::1",
        "3fff:fff::1",
        "5f00::1",
        "192.88.99.1",
        "::ffff:192.88.99.1",
    ],
)
def test_what_no_network_routes_to_the_world_is_out_of_reach(address: str) -> None:
    assert not Reach().includes(ip_address(address))


def test_a_network_that_is_named_is_in_reach() -> None:
    async def work(port: int, heard: list[str]) -> None:
        got = await page(
            f"http://localhost:{port}/a", ports=[port], networks=["127.0.0.0/8", "::1/128"]
        )
        assert (got.status, got.text, got.media_type, got.cut) == (200, "hi", "text/plain", False)
        assert f"Host: localhost:{port}" in heard[0]

    asked(lambda _: said(b"hi", "Content-Type: text/plain; charset=latin-1"), work)


@pytest.mark.parametrize(
    "target",
    ["http://169.254.169.254/latest", "http://[::1]/", "file:///etc/passwd", "gopher://x/"],
)
def test_a_redirect_leads_nowhere_else(target: str) -> None:
    async def work(port: int, heard: list[str]) -> None:
        with pytest.raises(ToolError):
            await page(f"http://127.0.0.1:{port}/", ports=[port, 80], networks=LOOPBACK)
        assert len(heard) == 1

    asked(lambda _: said(b"", f"Location: {target}", status="302 Found"), work)


def test_who_redirects_for_ever_is_left() -> None:
    async def work(port: int, heard: list[str]) -> None:
        with pytest.raises(ToolError, match="again and again"):
            await page(f"http://127.0.0.1:{port}/", ports=[port], networks=LOOPBACK)
        assert len(heard) == 6

    asked(lambda _: said(b"", "Location: /", status="302 Found"), work)


def test_a_name_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who owns a name may let it stand for another address a moment later (DNS rebinding)."""
    real, looks = socket.getaddrinfo, list[str]()

    def rebinding(host: Any, port: Any, *rest: Any, **options: Any) -> Any:
        if host != "rebind.test":
            return real(host, port, *rest, **options)
        looks.append(host)
        return real("127.0.0.1" if len(looks) == 1 else "169.254.169.254", port, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)

    async def work(port: int, heard: list[str]) -> None:
        got = await page(f"http://rebind.test:{port}/", ports=[port], networks=LOOPBACK)
        assert got.text == "hi"
        assert len(looks) == 1
        assert f"Host: rebind.test:{port}" in heard[0]

    asked(lambda _: said(b"hi"), work)


# A host as people write it, as it is asked for (IDNA 2008), and as Python's own codec has it.
SPELT = [
    ("straße.test", "xn--strae-oqa.test", "strasse.test"),
    ("XN--STRAE-OQA.test", "xn--strae-oqa.test", "xn--strae-oqa.test"),
    ("ελλάς.test", "xn--hxarsa0b.test", "xn--hxarsa5b.test"),
    ("bücher.test.", "xn--bcher-kva.test.", "xn--bcher-kva.test."),
]


@pytest.mark.parametrize(("host", "spelt", "_"), SPELT)
def test_a_host_is_looked_up_and_asked_in_one_spelling(
    host: str, spelt: str, _: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, looks, told = socket.getaddrinfo, list[str](), list[str]()

    def local(asked: Any, port: Any, *rest: Any, **options: Any) -> Any:
        looks.append(asked)
        return real("127.0.0.1", port, *rest, **options)

    class Noting(httpx2.AsyncHTTPTransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            told.append(request.extensions["sni_hostname"])
            return await super().handle_async_request(request)

    async def work(port: int, heard: list[str]) -> None:
        monkeypatch.setattr(socket, "getaddrinfo", local)
        monkeypatch.setattr(httpx2, "AsyncHTTPTransport", Noting)
        got = await page(f"http://{host}:{port}/", ports=[port], networks=LOOPBACK, hosts=[host])
        assert got.text == "hi"
        assert looks[0] == told[0] == spelt
        assert f"Host: {spelt}:{port}" in heard[0]

    asked(lambda _: said(b"hi"), work)


@pytest.mark.parametrize(("host", "spelt", "other"), SPELT)
def test_hosts_are_meant_however_they_are_written(
    host: str, spelt: str, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(-2, "no such host")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    for one, two in [(host, spelt), (spelt, host), (host, f"www.{host}"), (spelt, f"www.{host}")]:
        with pytest.raises(ToolError, match="There is no host"):
            asyncio.run(page(f"https://{two}/", hosts=[one]))
    if other != spelt:
        with pytest.raises(ToolError, match="is none of"):
            asyncio.run(page(f"https://{other}/", hosts=[host]))


def test_each_host_is_asked_over_a_connection_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was checked of one host's certificate says nothing of another's at the same address."""
    real = socket.getaddrinfo

    def one_address(host: Any, *rest: Any, **options: Any) -> Any:
        return real("127.0.0.1" if str(host).endswith(".test") else host, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", one_address)
    opened = list["asyncio.Task[None] | None"]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened.append(asyncio.current_task())
        with suppress(asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        writer.close()
        await writer.wait_closed()

    async def run() -> None:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            async with http.client(networks=LOOPBACK, ports=[port]) as one, asyncio.timeout(20):
                for host in ("a.test", "b.test"):
                    await http.get(one, f"http://{host}:{port}/", 1000)
            await asyncio.wait(filter(None, opened), timeout=20)

    asyncio.run(run())
    assert len(opened) == 2


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_no_proxy_of_the_environment_is_asked(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "http://127.0.0.1:9")

    async def work(port: int, heard: list[str]) -> None:
        found = await page(f"http://127.0.0.1:{port}/", networks=LOOPBACK, ports=[port])
        assert (found.text, len(heard)) == ("hi", 1)

    asked(lambda _: said(b"hi"), work)


def test_a_host_that_cannot_be_spelt_is_refused() -> None:
    with pytest.raises(ToolError, match=r"^https://ä_b\.test/ names no host that can be asked: "):
        asyncio.run(page("https://ä_b.test/"))
    for host in ("ä_b.test", "https://example.com", "example.com:80", "", "."):
        with pytest.raises(DefinitionError, match=r"write it as in 'example\.com'"):
            http.fetch(hosts=[host])


def test_a_name_for_a_public_and_a_private_address_is_not_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def both(*_: Any, **__: Any) -> Any:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 80)) for ip in ("8.8.8.8", "10.0.0.1")
        ]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    with pytest.raises(ToolError, match="not a public host"):
        asyncio.run(page("http://both.test/"))


def test_a_page_is_cut_also_where_it_is_small_until_it_is_unpacked() -> None:
    async def work(port: int, _: list[str]) -> None:
        url = f"http://127.0.0.1:{port}/"
        got = await page(url, ports=[port], networks=LOOPBACK)
        assert (len(got.text), got.cut) == (1000, True)

    asked(lambda _: said(gzip.compress(b"x" * 50_000_000), "Content-Encoding: gzip"), work)


def test_a_body_is_unpacked_no_further_than_to_its_limit() -> None:
    """The end of this one is broken, which whoever unpacked it whole would meet."""

    async def work(port: int, _: list[str]) -> None:
        got = await page(f"http://127.0.0.1:{port}/", ports=[port], networks=LOOPBACK)
        assert (len(got.text), got.cut) == (1000, True)

    broken = gzip.compress(b"x" * 50_000_000)[:-8] + b"broken.."
    asked(lambda _: said(broken, "Content-Encoding: gzip"), work)


def test_the_body_of_a_redirect_is_not_read() -> None:
    """This one is no gzip, which whoever read it would meet."""

    def answer(path: str) -> bytes:
        if path == "/end":
            return said(b"here")
        head = ("Location: /end", "Content-Encoding: gzip", "Set-Cookie: a=b")
        return said(b"no gzip", *head, status="302 Found")

    async def work(port: int, heard: list[str]) -> None:
        url = f"http://127.0.0.1:{port}"
        got = await page(f"{url}/", ports=[port], networks=LOOPBACK)
        assert (got.url, got.text) == (f"{url}/end", "here")
        assert "cookie: a=b" in heard[1].lower()

    asked(answer, work)


def test_what_is_packed_more_than_once_is_not_read() -> None:
    async def work(port: int, _: list[str]) -> None:
        with pytest.raises(ToolError, match="packed more than once"):
            await page(f"http://127.0.0.1:{port}/", ports=[port], networks=LOOPBACK)

    twice = gzip.compress(gzip.compress(b"x"))
    asked(lambda _: said(twice, "Content-Encoding: gzip", "Content-Encoding: gzip"), work)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("ftp://example.com/", "use http or https"),
        ("http://example.com:22/", "Port 22 is not asked: use 80 or 443"),
        ("http://other.test/", "none of example.com"),
        ("http://example.com.evil.test/", "none of example.com"),
        ("http://notexample.com/", "none of example.com"),
        ("nonsense", "use http or https"),
        ("http://[::1", "does not answer|Invalid"),
    ],
)
def test_what_may_not_be_asked_is_said(url: str, sentence: str) -> None:
    with pytest.raises(ToolError, match=sentence):
        asyncio.run(page(url, hosts=["example.com"]))


def test_a_charset_that_nobody_knows_is_read_all_the_same() -> None:
    async def work(port: int, _: list[str]) -> None:
        got = await page(f"http://127.0.0.1:{port}/", ports=[port], networks=LOOPBACK)
        assert got.text == "hé"

    asked(lambda _: said("hé".encode(), "Content-Type: text/x; charset=klingon"), work)


def test_a_wrong_network_or_host_is_said_when_the_tool_is_made() -> None:
    with pytest.raises(DefinitionError, match=r"as in .10\.1\.0\.0"):
        http.fetch(networks=["10.1.0.0/99"])
    with pytest.raises(DefinitionError, match="lists"):
        http.fetch(hosts="example.com")


def test_the_ready_made_tool_reads_and_says_so() -> None:
    made = http.fetch(hosts=["example.com"])
    assert (made.name, made.effect) == ("fetch", "read")
    assert made.parameters["required"] == ["url"]
