"""Which addresses a request may go to that somebody else has named.

Server-side request forgery (CWE-918): who names a URL reaches what only this machine can reach.
"""

import socket
from collections.abc import Iterable, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from jackline.core.errors import DefinitionError, ToolError

Address = IPv4Address | IPv6Address

# Clouds answer here as if it were the world, and hand out credentials.
_METADATA = {ip_address("168.63.129.16"), ip_address("192.0.0.192")}
# An IPv4 address in the last 32 bits: RFC 6052 (NAT64), RFC 4291 (compatible), RFC 2765 (SIIT).
_TRANSLATED = (
    IPv6Network("64:ff9b::/96"),
    IPv6Network("::/96"),
    IPv6Network("::ffff:0:0:0/96"),
)
# The same, by rules of their own or of a network's: none of them is worth its risk.
_TUNNELS = IPv6Network("2002::/16"), IPv6Network("64:ff9b:1::/48"), IPv6Network("2001::/32")

# What `is_global` takes for the world: RFC 3879 (site-local), RFC 9637 (documentation), RFC 9602
# (segment routing), RFC 7526 (relays of 6to4).
_UNROUTED = (
    IPv6Network("fec0::/10"),
    IPv6Network("3fff::/20"),
    IPv6Network("5f00::/16"),
    IPv4Network("192.88.99.0/24"),
)


class Reach:
    """What may be connected to: the public internet, and the `networks` that are named."""

    def __init__(self, networks: Iterable[str] = ()) -> None:
        try:
            self._networks = tuple(map(ip_network, networks))
        except ValueError as error:
            raise DefinitionError(f"{error}: name a network as in '10.1.0.0/16'.") from None

    def includes(self, address: Address) -> bool:
        """Whether a connection may go there."""
        if any(address in network for network in self._networks):
            return True
        if isinstance(address, IPv6Address):
            inner = _inner(address)
            if inner is not None:
                return self.includes(inner)
            if any(address in tunnel for tunnel in _TUNNELS):
                return False
        if any(address in network for network in _UNROUTED):
            return False
        return address.is_global and not address.is_multicast and address not in _METADATA


def _inner(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that is meant by this one."""
    if address.ipv4_mapped:
        return address.ipv4_mapped
    if any(address in network for network in _TRANSLATED):
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return None


def resolved(host: str, port: int, reach: Reach) -> Sequence[Address]:
    """Return the addresses of a host, all of which may be connected to. It blocks.

    Raises `ToolError` where there is none, or where one of them is out of reach: a name that
    stands for both is nobody's honest name.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ToolError(f"There is no host {host!r}: check the URL.") from error
    addresses = dict.fromkeys(ip_address(str(place[0]).split("%")[0]) for *_, place in found)
    if not all(map(reach.includes, addresses)):
        raise ToolError(f"{host} is not a public host, and may not be asked.")
    return [*addresses]
