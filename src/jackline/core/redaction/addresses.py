"""E-mail and IP addresses."""

from collections.abc import Iterator
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from jackline.core.patterns import Pattern
from jackline.core.redaction.sight import Match, Sight

_LOCAL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._%+&~'-"
_LOCAL_MAX = 64
_DOMAIN_MAX = 254
_LABEL_MAX = 63


def emails(seen: Sight) -> Iterator[Match]:
    """Find e-mail addresses (RFC 5321), with names of hosts in any script (RFC 5890)."""
    at = seen.plain.find("@")
    while at >= 0:
        left = seen.plain[max(0, at - _LOCAL_MAX) : at]
        local = left[len(left.rstrip(_LOCAL)) :].lstrip(".'-&~%")
        if local and (end := _domain_end(seen.text, at + 1)):
            yield Match(at - len(local), end, "email")
        at = seen.plain.find("@", at + 1)


def _domain_end(text: str, start: int) -> int:
    """Return where the host's name ends; 0 where there is none."""
    right = text[start : start + _DOMAIN_MAX]
    length = 0
    for sign in right:
        if not (sign.isalnum() or sign in ".-"):
            break
        length += 1
    labels = right[:length].rstrip(".-").split(".")
    good = 0
    for label in labels:
        if not 0 < len(label) <= _LABEL_MAX or label[0] == "-" or label[-1] == "-":
            break
        good += 1
    while good > 1:
        top = _top(labels[good - 1])
        if top:
            return start + len(".".join(labels[: good - 1])) + 1 + top
        good -= 1
    return 0


def _top(label: str) -> int:
    """Return how much of a name's last part is one: letters of one script, or an `xn--` form."""
    if label.isascii():
        plain = label.replace("-", "").isalnum() and label.lower().startswith("xn--")
        return len(label) if plain or (label.isalpha() and len(label) > 1) else 0
    # Scripts without spaces go on where the name ends: its letters do not.
    same = next((n for n, sign in enumerate(label) if sign.isascii() != label[0].isascii()), None)
    part = label[:same]
    return len(part) if part.isalpha() and len(part) > 1 else 0


_DOTTED = Pattern(r"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]")
_DOTTED_SIGNS = "0123456789."
_COLONED = Pattern(r"[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*")
_ADDRESS_MAX = 45
_DOTS = 3
# What is written like an address, and is a number of something else.
_NUMBERED = Pattern(
    r"(?i)(?:\bv|\brv|\bver|version|release|build|firmware|section|chapter|clause|figure|table)"
    r"[.:=]?[ \t]{0,2}[v\"']?$"
)
_WORDS = 24


def ips(seen: Sight) -> Iterator[Match]:
    """Find addresses of the Internet Protocol, version 4 (RFC 791) and 6 (RFC 4291)."""
    plain = seen.plain
    if plain.count(".") >= _DOTS:
        yield from _fours(seen)
    if plain.count(":") > 1:
        yield from _sixes(plain)


def _fours(seen: Sight) -> Iterator[Match]:
    plain = seen.plain
    for run in _DOTTED.finditer(plain):
        at = run.start()
        left = plain[max(0, at - _ADDRESS_MAX) : at]
        start = at - len(left) + len(left.rstrip(_DOTTED_SIGNS))
        shown = plain[start : at + _ADDRESS_MAX]
        found = shown[: len(shown) - len(shown.lstrip(_DOTTED_SIGNS))].rstrip(".")
        if found.count(".") != _DOTS or not _stands_alone(plain, start, start + len(found)):
            continue
        if _parses(IPv4Address, found) and not _NUMBERED.search(seen.before(start, _WORDS)):
            yield Match(start, start + len(found), "ip")


def _stands_alone(plain: str, start: int, end: int) -> bool:
    """Whether neither side makes it a part of a name, such as that of a program's version."""
    near, far = plain[max(0, start - 1) : start], plain[max(0, start - 2) : start - 1]
    if near.isalnum() or near in {"_", "."} or (near and near in "/-" and far.isalpha()):
        return False
    return not (plain[end : end + 1].isalnum() or plain[end : end + 1] == "_")


_FIRST_MAX = 8
_SLICE_DIGITS = 4


def _sixes(plain: str) -> Iterator[Match]:
    for run in _COLONED.finditer(plain):
        start, end, found = run.start(), run.end(), run.group()
        if plain[max(0, start - 1) : start].isalpha():
            # A word that ends in such letters, and then a colon: "node:fe80::1".
            cut = found.index(":") + 1
            if cut > _FIRST_MAX:
                continue
            start, found = start + cut, found[cut:]
        if found.startswith(":") and not found.startswith("::"):
            start, found = start + 1, found[1:]
        if end - start > _ADDRESS_MAX + 1:
            continue
        found = found.rstrip(".")
        if found.endswith(":") and not found.endswith("::"):
            found = found[:-1]
        # A port may follow, though it should stand behind brackets (RFC 5952, 6).
        address = next((each for each in (found, found.rpartition(":")[0]) if _is_six(each)), "")
        if address and not _is_code(plain, start, address):
            yield Match(start, start + len(address), "ip")


def _is_six(found: str) -> bool:
    return any(map(str.isdigit, found)) and _parses(IPv6Address, found)


def _is_code(plain: str, start: int, found: str) -> bool:
    """Whether it is a slice or a path of a programming language, as `a[1::2]`."""
    end = start + len(found)
    if plain[end : end + 1].isalnum() or plain[end : end + 1] == "_":
        return True
    if "::" not in found or len(found.replace(":", "")) > _SLICE_DIGITS:
        return False
    sliced = plain[max(0, start - 2) : start]
    return found != "::1" or (sliced.endswith("[") and sliced[0] not in "/ [")


def _parses(version: type[IPv4Address | IPv6Address], text: str) -> bool:
    try:
        version(text)
    except AddressValueError:
        return False
    return True
