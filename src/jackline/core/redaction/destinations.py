"""Where what is said may lead its reader: to hosts of the agent's, and to what was named."""

from collections.abc import Callable, Iterable, Sequence
from urllib.parse import urlsplit

from jackline.core.errors import DefinitionError
from jackline.core.events import Finding, Gate
from jackline.core.guards import ALLOW, Audience, Verdict
from jackline.core.patterns import Pattern
from jackline.core.redaction.links import HOLD_BACK, links_allowed, links_stream, urls
from jackline.core.redaction.stream import Stream

_HOST = Pattern(r"(?:\*\.)?[a-z0-9\-]+(?:\.[a-z0-9\-]+)*")
# No backslash, no user, no control, no sign that one client escapes and another ends at.
_AUTHORITY = Pattern(r"^[\pL\pM\pN._\-]+(?::[0-9]{0,5})?(?:[/?#]|\z)")
_SCHEMES = ("https://", "http://", "//")
_AROUND = "<>()[]{}\"'`,;:!?*_~."


class Links:
    """Withholds each URL whose host is not one of `hosts`, unless it was named: see `Named`.

    `*.example.com` is any host below that one. Of a URL that was named every letter counts: what
    an attacker adds to it may carry what the model has read.
    """

    name = "links"
    gates: frozenset[Gate] = frozenset({"output"})
    hold_back = HOLD_BACK

    def __init__(
        self, hosts: Sequence[str] = (), *, named: Callable[[str], bool] | None = None
    ) -> None:
        for host in (hosts,) if isinstance(hosts, str) else hosts:
            if isinstance(hosts, str) or not _HOST.fullmatch(host):
                raise DefinitionError(
                    f"{host!r} is no host: write Links(['example.com', '*.example.org'])."
                )
        self._hosts = tuple(hosts)
        self._named = named

    def fit(self, audience: Audience) -> "Links":
        """Return what lets pass what was named to this audience, too."""
        return Links(self._hosts, named=audience.named)

    def judge(self, gate: Gate, text: str) -> Verdict:
        """See `Guard.judge`."""
        del gate
        strange = [url for url in urls(text) if not self._passes(url.url)]
        if not strange:
            return ALLOW
        findings = tuple([Finding("link", url.start, url.end) for url in strange])
        passed = links_allowed(text, self._passes)
        return Verdict("redact", "it links where nobody who is trusted does", findings, passed)

    def stream(self) -> Stream:
        """Return what does the same to a text that comes in pieces."""
        return links_stream(self._passes)

    def _passes(self, url: str) -> bool:
        host = _host(url)
        for allowed in self._hosts:
            if host == allowed or (allowed[0] == "*" and host.endswith(allowed[1:])):
                return True
        return self._named is not None and self._named(url)


class Named:
    """Knows the URLs that stand in some texts, with or without a scheme. They are read once."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = texts
        self._found: frozenset[str] | None = None

    def __call__(self, url: str) -> bool:
        """Whether the URL stands in one of the texts, as it is."""
        if self._found is None:
            self._found = frozenset(_all(self._texts)) - {""}
        return _plain(url) in self._found


def _all(texts: Iterable[str]) -> Iterable[str]:
    for text in texts:
        yield from [_plain(each.url) for each in urls(text)]
        yield from [_plain(word.strip(_AROUND)) for word in text.split()]


def _plain(url: str) -> str:
    """Return a URL without its scheme of the web: which of the two it is makes no difference."""
    scheme = next((each for each in _SCHEMES if url[:8].lower().startswith(each)), "")
    return url[len(scheme) :].removesuffix("/")


def _host(url: str) -> str:
    """Return the host that a client goes to; nothing where two might read it differently."""
    scheme = next((each for each in _SCHEMES if url[:8].lower().startswith(each)), "")
    written = _AUTHORITY.search(url[len(scheme) :])
    try:
        place = urlsplit(f"https://{url[len(scheme) :]}")
    except ValueError:
        return ""
    return (place.hostname or "") if written else ""
