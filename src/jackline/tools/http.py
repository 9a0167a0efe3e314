"""HTTP for tools whose URLs come from a model: `client` for your own, `fetch` ready made.

Whatever names a URL, a page that redirects included, reaches public hosts alone.
"""

import asyncio
from collections.abc import AsyncGenerator, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import httpx2

from jackline.core.errors import DefinitionError, ToolError
from jackline.core.flow import From, endorse
from jackline.core.tools import Tool, tool
from jackline.core.value import Value
from jackline.tools.addresses import Reach, resolved

_USER = From("user")
_TIMEOUT_S = 20.0
_BODY_BYTES = 1 << 20
_REDIRECTS_MAX = 5
_PORTS = frozenset({80, 443})
_DEFAULT_PORT = {"http": 80, "https": 443}
_OF_BODY = frozenset({"content-encoding", "content-length", "transfer-encoding"})
_RESOLVERS = 4  # A name server that does not answer holds up four lookups, and no other thread.


class Page(Value, frozen=True):
    """What a URL answered. `cut` says that the rest is missing."""

    status: int
    url: str
    media_type: str
    text: str
    cut: bool = False


class Reachable(httpx2.AsyncBaseTransport):
    """Sends requests to public hosts only, or to those of `hosts` and their subdomains.

    A host is resolved once, and connected to at the address that was looked at: what its name
    stands for a moment later does not matter. No proxy of the environment is asked, and no
    connection is kept, since the next host may have the same address and another certificate.
    """

    def __init__(
        self,
        *,
        hosts: Collection[str] = (),
        networks: Collection[str] = (),
        ports: Collection[int] = _PORTS,
    ) -> None:
        if isinstance(hosts, str) or isinstance(networks, str):
            raise DefinitionError("hosts and networks are lists, as in ['example.com'].")
        self._hosts = tuple(map(_host, hosts))
        self._ports = frozenset(ports)
        self._reach = Reach(networks)
        self._threads = ThreadPoolExecutor(_RESOLVERS, "jackline-resolve")
        self._inner = httpx2.AsyncHTTPTransport(
            trust_env=False, limits=httpx2.Limits(max_keepalive_connections=0)
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send it. Raises `ToolError` where it may not be sent, httpx2's errors where it fails."""
        url = request.url
        port = url.port or _DEFAULT_PORT.get(url.scheme)
        host = _spelt(url)
        if url.scheme not in _DEFAULT_PORT or not host:
            raise ToolError(f"{url.scheme or 'Nothing'} is not asked for: use http or https.")
        if port not in self._ports:
            raise ToolError(f"Port {port} is not asked: use {_listed(self._ports)}.")
        self._check(host)
        loop = asyncio.get_running_loop()
        lookup = loop.run_in_executor(self._threads, resolved, host, port, self._reach)
        async with asyncio.timeout(_timeout_s(request)):
            addresses = await lookup
        for last, address in enumerate(addresses, 1 - len(addresses)):
            try:
                answer = await self._inner.handle_async_request(_moved(request, str(address)))
                return await _bounded(answer)
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                if not last:
                    raise
        raise ToolError(f"There is no host {host!r}: check the URL.")

    async def aclose(self) -> None:
        """Let connections and threads go. A lookup that hangs is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        await self._inner.aclose()

    def _check(self, host: str) -> None:
        name = host.rstrip(".")
        if self._hosts and not any(
            name == allowed or name.endswith("." + allowed) for allowed in self._hosts
        ):
            raise ToolError(f"{host} is none of {', '.join(self._hosts)}, and may not be asked.")


def _spelt(url: httpx2.URL) -> str:
    """Return a URL's host as it is asked for: in ASCII, by IDNA 2008 (RFC 5891).

    Python's own codec knows IDNA 2003 alone, which makes `strasse.de` of `straße.de`: another
    domain. So what is looked at, looked up, and put into a header or a handshake is this.
    """
    return url.raw_host.decode("ascii").lower()


def _host(written: str) -> str:
    """Return a host of `hosts` in that spelling."""
    try:
        host = _spelt(httpx2.URL(scheme="https", host=written.rstrip(".")))
    except httpx2.InvalidURL:
        host = ""
    if not host:
        raise DefinitionError(f"hosts names {written!r}: write it as in 'example.com'.")
    return host


def _listed(ports: Collection[int]) -> str:
    return " or ".join(map(str, sorted(ports)))


def _timeout_s(request: httpx2.Request) -> float:
    return request.extensions.get("timeout", {}).get("connect") or _TIMEOUT_S


def _moved(request: httpx2.Request, address: str) -> httpx2.Request:
    """Return the request to that address: its Host header and its certificate stay the host's."""
    return httpx2.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions=request.extensions | {"sni_hostname": _spelt(request.url)},
    )


async def _bounded(answer: httpx2.Response) -> httpx2.Response:
    """Return an answer whose body may be unpacked while it comes: a redirect's is left unread.

    A client reads the body of a redirect whole before it follows. And one that is packed twice
    or more may keep the processor busy for minutes between two bytes of what is counted.
    """
    coding = answer.headers.get("content-encoding", "")
    if not answer.has_redirect_location and "," not in coding:
        return answer
    await answer.aclose()
    if not answer.has_redirect_location:
        raise ToolError(f"The answer is packed more than once ({coding[:80]}), and is not read.")
    kept = [(name, value) for name, value in answer.headers.multi_items() if name not in _OF_BODY]
    return httpx2.Response(answer.status_code, headers=kept, extensions=answer.extensions)


@asynccontextmanager
async def client(
    *,
    hosts: Collection[str] = (),
    networks: Collection[str] = (),
    ports: Collection[int] = _PORTS,
    timeout_s: float = _TIMEOUT_S,
) -> AsyncGenerator[httpx2.AsyncClient]:
    """Give a client for your own tools, whose every request, redirected or not, is looked at.

    `hosts`: only these and their subdomains. `networks`: private ones that may be reached all
    the same, as in `10.1.0.0/16`.
    """
    transport = Reachable(hosts=hosts, networks=networks, ports=ports)
    async with httpx2.AsyncClient(
        transport=transport,
        timeout=timeout_s,
        follow_redirects=True,
        max_redirects=_REDIRECTS_MAX,
        trust_env=False,
    ) as made:
        yield made


async def get(asked: httpx2.AsyncClient, url: str, limit_bytes: int = _BODY_BYTES) -> Page:
    """Return what `url` answers, of which at most so many bytes are read, unpacked ones counted.

    Raises `ToolError` where it may not be asked or does not answer.
    """
    try:
        async with asked.stream("GET", url) as response:
            pieces, size = list[bytes](), 0
            async for piece in response.aiter_bytes(1 << 16):
                pieces.append(piece)
                size += len(piece)
                if size > limit_bytes:
                    break
            body = b"".join(pieces)[:limit_bytes]
            charset = response.charset_encoding or "utf-8"
            media_type = response.headers.get("content-type", "").split(";")[0].strip()
            text = _decoded(body, charset)
            address = str(response.url)
            return Page(response.status_code, address, media_type, text, size > limit_bytes)
    except httpx2.TooManyRedirects:
        raise ToolError(f"{url} redirects again and again.") from None
    except httpx2.InvalidURL as error:
        raise ToolError(f"{url} names no host that can be asked: {error}.") from None
    except (httpx2.HTTPError, TimeoutError) as error:
        raise ToolError(f"{url} does not answer: {error or type(error).__name__}") from error


def _decoded(body: bytes, charset: str) -> str:
    try:
        return body.decode(charset, "replace")
    except (LookupError, ValueError):
        return body.decode("utf-8", "replace")


def fetch(
    *,
    hosts: Collection[str] = (),
    networks: Collection[str] = (),
    ports: Collection[int] = _PORTS,
    limit_bytes: int = _BODY_BYTES,
) -> Tool:
    """Return a tool that reads a URL, of public hosts or of `hosts` alone. See `client`.

    Who chooses a URL can be told in it what was read. So once that is anybody's text it has to
    come from the user, unless none but `hosts` are reached.
    """
    Reachable(hosts=hosts, networks=networks, ports=ports)  # What is wrong is said at once.
    floor = endorse("none but the hosts are reached that the agent names") if hosts else _USER

    @tool(effect="read", timeout_s=_TIMEOUT_S, critical={"url": floor})
    async def fetch(url: str) -> Page:
        """Read a page of the web.

        Args:
            url: Its address, with http:// or https://.
        """
        async with client(hosts=hosts, networks=networks, ports=ports) as asked:
            return await get(asked, url, limit_bytes)

    return fetch
