"""One form for all ways to write the same thing: words, numbers, dates, times, URLs and IBANs.

A text is read once, into tokens and keys. A value is found where its tokens stand in a row, or
where all its keys do. Keys are there for what may be written in several ways. What can be meant
in two ways has none, so that nothing is found rather than the wrong thing. Letters are compared
as they are: only those of ASCII in schemes, hosts and mail domains mind no case, as any other
folding makes one of two names that a server, a file system or a bank tells apart.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from decimal import Decimal
from math import isfinite

from jackline.core.flow.alignment import is_bare
from jackline.core.flow.dates import AROUND, apart, clock, lowered, whole, written
from jackline.core.value import Value

VALUE_CHARS = 4_096
NUMBERS = frozenset(["number", "digits", "amount"])
_JOINING = "@._-+/:"
_APART = {ord(sign): " " for sign in "!\"#$%&'()*,;<=>?[\\]^`{|}~"}
_MONEY = "$€£¥%"
_NUMBER_CHARS = 40
_KEY_CHARS = 64
_GROUP_DIGITS = 3
_GROUPED = re.compile(r"[^\w.,]*[0-9]{1,3}")
_GROUP = re.compile(r"[0-9]{3}(?!\w)")
# Words that make another number of the one before them, in the languages that have them so.
_SCALE = re.compile(
    "(?:hundred|thousand|[mbt]r?illi?on(?:e|es)?|lakh|crore|cr|dozen|grand|k|[kt](?:eur|usd|gbp|chf)"
    "|hundert|tausend|milliarde|mille|milliers? de|milliard|mil|[mbt]r?ill[o\u00f3]n(?:es)?|mila"
    "|mil[ij]on\\w*|mil[ij]ard\\w*|mili(?:oane|yar|ar)|[mbt]r?ilh(?:[a\u00e3]o|[o\u00f5]es)|duizend"
    "|miljoen|mio|mrd|mln|mld|mn|bn|tn|tsd|tys|tysi\\w*|tis[i\u00ed]c\\w*|tusen|tuhat\\w*|miljoona\\w*"
    "|ezer|milli[o\u00f3]|milli[a\u00e1]rd|milyon|milyar|juta|ribu|miliar|tri\u1ec7u|ngh\u00ecn|t\u1ef7"
    "|тыс\\w*|тис\\w*|млн|млрд|миллион\\w*|миллиард\\w*|мільйон\\w*|мільярд\\w*"
    "|ألف|آلاف|مليون|مليار|हज़ार|हजार|लाख|करोड़|मिलियन)(?:s|n|en)?|[十百千万萬亿億兆천만억].*"
)
_UTC = frozenset(["z", "utc", "gmt"])
_ZONE = re.compile(r"[A-Z]{2,4}T|[ECMP]T|MSK|(?:UTC|GMT)?[+\-\u2212][0-9]{1,2}(?::?[0-9]{2})?")
# What is written around a number and is no part of it, as in `#5` and `50,-`.
_DRESSING = re.compile("\\A#(?=[0-9]+\\Z)|(?<=[0-9])[.,][-\u2013\u2014]{1,2}\\Z")
# What makes another number of the one before it: a fraction, or what it is taken times.
_GOES_ON = re.compile(
    "[0-9]+[/\u2044][0-9]+(?![/0-9])|[\u00bc-\u00be\u2150-\u215e]|[x\u00d7*] ?[0-9]"
)
# A number in scripts that put no space beside one: between words that make no other number of it,
# so that of what follows only particles and what is counted singly are known.
_ASIDE = re.compile(
    "(?<![^\\s\u3040-\u9fff\uac00-\ud7af])(?<![\u5206][\u306e\u4e4b])"
    "(?<![\u3007\u96f6\u4e00\u4e8c\u4e09\u56db\u4e94\u516d\u4e03\u516b\u4e5d\u5341\u767e\u5343\u4e07\u842c\u5104\u4ebf\u5146\u534a\u6570\u5272\u5206\u70b9\u500d])"
    "([0-9]{1,40}|[0-9]{1,2}:[0-9]{2})"
    "(?=$|[\\s\u3001\u3002\u3092\u306b\u306f\u306e\u304c\u3068\u3078\u3067\u3082\u53f7\u865f\u756a\u4ef6\u5186\u5143\u500b\u4e2a\u4eba\u540d"
    "\ubc88\uc744\ub97c\uc740\ub294\uc774\uac00\uc5d0\uc758\uc6d0\uac1c\uac74](?![0-9\u534a\u5206\u5272]))"
)
_IBAN_CHARS = range(15, 35)
_IBAN_GROUPS = 9
_IBAN_GROUP = 4
_PORTS = {"http": ":80", "https": ":443"}
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#\\]*@)?([^/?#\\@]*)(.*)", re.DOTALL)
_WORDS = re.compile(r"\S+")
_MAIL_CHARS = 320
_MAIL = re.compile(
    r"(?<![^<>()\[\]\"',;:])([^\s@/\\<>()\[\]\",;:]+)@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)"
    r"(?!(?![\u0e00-\u0eff\u2e80-\ud7af])[\w@/\\-])"
)

Key = tuple[str, str]


class Form(Value, frozen=True):
    """A text as it is compared: `plain` has its signs, `spaced` its tokens alone."""

    plain: str
    spaced: str
    tokens: tuple[str, ...]


def plain(text: str) -> str:
    """Return the text without what white space, and the case of a mail's domain, add to it."""
    words = text.split()
    return " ".join(map(_mail, words) if "@" in text else words)


def trimmed(text: str) -> str:
    """Return the text without white space at its ends, and with domains of mail as in `plain`."""
    text = text.strip()
    return _WORDS.sub(lambda found: _mail(found[0]), text) if "@" in text else text


def _mail(word: str) -> str:
    if "@" not in word or len(word) > _MAIL_CHARS:
        return word
    return _MAIL.sub(lambda found: f"{found[1]}@{found[2].lower()}", word)


def form(text: str) -> Form:
    """Return the text as it is compared."""
    bare = plain(text)
    tokens = tuple(_tokens(bare))
    return Form(bare, f" {' '.join(tokens)} ", tokens)


def _tokens(bare: str) -> Iterator[str]:
    for word in bare.translate(_APART).split():
        for part in word.split(":") if "@" in word else (word,):
            token = part.strip(_JOINING)
            if not token.isascii():
                yield from "".join(map(_apart, token)).split()
            elif token:
                yield token


def _apart(character: str) -> str:
    """Return a character with spaces where a token ends, as around those that are words."""
    if "\u2e80" <= character <= "\ud7af" or "\u0e00" <= character <= "\u0eff":
        return f" {character} "
    if character in _JOINING or unicodedata.category(character)[0] in "LMN":
        return character
    return " "


def keys(bare: str) -> set[Key]:
    """Return the keys of a text in its plain form."""
    if not bare.isascii():
        bare = _ASIDE.sub(r" \1 ", apart(bare))
    words, small = bare.split(), lowered(bare).split()
    dates, used = written(small)
    found = {("date", date) for date in dates}
    for at, word in enumerate(words):
        if at in used:
            found.update(_timed(small[at].partition("t")[2], words, at + 1))
        elif (stripped := word.strip(_MONEY + AROUND))[:1].isalpha():
            found.update(_lettered(stripped, words, at, used))
        else:
            found.update(_counted(lowered(stripped), words, at))
    return found


def _lettered(word: str, words: Sequence[str], at: int, used: set[int]) -> Iterator[Key]:
    if "://" in word:
        words_of_link, sign, target = word.partition("](")
        if sign and "://" not in words_of_link:
            word = target
        before, _, after = words[at].partition(word)
        if is_bare(before, after):
            yield "url", _url(word)
    elif _is_iban(word):
        yield "iban", word
    elif len(word) <= _IBAN_GROUP and word[:2].isalpha() and word[2:].isdecimal():
        groups = [each.strip(AROUND) for each in words[at : at + _IBAN_GROUPS]]
        for count in range(2, len(groups) + 1):
            together = "".join(groups[:count])
            if _is_iban(together) and _adds_up(together):
                used.update(range(at, at + count))
                yield "iban", together


def _counted(word: str, words: Sequence[str], at: int) -> Iterator[Key]:
    word = _DRESSING.sub("", word)
    behind = lowered(words[at + 1].strip(AROUND)) if at + 1 < len(words) else ""
    if clock(halved := f"{word} {behind}"):
        yield from _timed(halved, words, at + 2)
    elif clock(word):
        yield from _timed(word, words, at + 1)
    elif _SCALE.fullmatch(behind) or _is_group(words, at) or _goes_on(words, at):
        return
    elif word.isdecimal():
        yield "digits", word
    elif word[:1] != "+" and (amount := _number(word)):
        yield "amount", amount
    if number := _number(word):
        yield "number", number


def _is_group(words: Sequence[str], at: int) -> bool:
    """Whether a word is one of the groups of a number like `1 000 000`."""
    return any(
        0 < behind < len(words)
        and _GROUPED.fullmatch(words[behind - 1])
        and _GROUP.match(words[behind])
        for behind in (at, at + 1)
    )


def _goes_on(words: Sequence[str], at: int) -> bool:
    """Whether a number is a part of one like `5 1/2` or `5 x 1000`."""
    is_joined = words[at][-1:].isdecimal()
    return is_joined and bool(_GOES_ON.match(" ".join(words[at + 1 : at + 3]).lower()))


def _timed(word: str, words: Sequence[str], behind: int) -> Iterator[Key]:
    """Yield a time, which a zone that is named behind it makes another one."""
    zone = words[behind].strip(AROUND) if behind < len(words) else ""
    time = clock(word)
    if time and lowered(zone) in _UTC:
        yield "time", time.removesuffix("z") + "z"
    elif time and not _ZONE.fullmatch(zone):
        yield "time", time


def value_keys(value: object) -> tuple[Key, ...]:
    """Return the keys that a text has to have for this value to stand in it; none for words.

    A number that is a text is an account, a phone or an amount of money, and nobody says which: the
    sign before it and whether there is a fraction are part of it.
    """
    if isinstance(value, int | float):
        # Only what is no integer may be infinite, and only that fits into a float.
        is_finite = isinstance(value, int) or isfinite(value)
        digits = format(Decimal(str(value)), "f") if is_finite else ""
        return (("number", _number(digits, typed=True) or str(value)),)
    if not isinstance(value, str) or len(value) > VALUE_CHARS:
        return ()
    bare = plain(value)
    if "://" in bare and " " not in bare:
        return (("url", _url(bare)),)
    if len(bare) > _KEY_CHARS or not bare.isascii() or not any(map(str.isdecimal, bare)):
        return ()
    if moment := _moment(bare.lower()):
        return moment
    together = bare.replace(" ", "")
    if _is_iban(together):
        return (("iban", together),)
    if bare.isdecimal():
        return (("digits", bare),)
    number = _number(bare) if bare[0] != "+" else ""
    return (("amount", number),) if number else ()


def is_canonical(value: str) -> bool:
    """Whether this is the way to write what may be written in several ways.

    Of dates and times there are two: as typed values are written, and short as people do.
    """
    found = value_keys(value)
    if found and found[-1][0] == "time":
        *date, time = [key.upper() for _, key in found]
        clock_time, zone = time.removesuffix("Z"), "Z" * time.endswith("Z")
        seconds = clock_time if clock_time.count(":") > 1 else f"{clock_time}:00"
        return value in {"T".join([*date, seconds + zone]), " ".join([*date, time])}
    return len(found) == 1 and found[0][1] == value


def make(text: str) -> str:
    """Return what all addresses or ids of one kind have in common; nothing for mere words."""
    if "@" in text:
        return "@"
    shape = "".join([_sort(each) for each in text[:_NUMBER_CHARS]])
    kinds = [kind for kind, _ in value_keys(text) if kind not in NUMBERS]
    return kinds[0] if kinds else shape * ("0" in shape)


def _sort(sign: str) -> str:
    return "0" if sign.isdecimal() else "a" if sign.isalpha() else sign


def _moment(bare: str) -> tuple[Key, ...]:
    """Return the keys of a date, of a time, or of a date with its time."""
    first, _, rest = bare.replace("t", " ", 1).partition(" ") if bare[:1].isdecimal() else ("",) * 3
    date = whole(first)
    time = clock(rest if date else bare)
    if date and rest:
        return (("date", date), ("time", time)) if time else ()
    if date:
        return (("date", date),)
    return (("time", time),) if time else ()


def _number(word: str, *, typed: bool = False) -> str:
    """Return a number without what a way to write it adds; nothing where it is none.

    What is padded with zeros is a name. With `typed` it was no text, so that its dot is a point.
    """
    if len(word) >= _NUMBER_CHARS or not word.isascii():
        return ""
    sign, digits = ("-", word[1:]) if word[:1] == "-" else ("", word.removeprefix("+"))
    whole_part, point, rest = digits.partition(".") if typed else _split(digits)
    is_padded = whole_part[:1] == "0" and len(whole_part) > 1
    if not whole_part.isdecimal() or is_padded or (point and not rest.isdecimal()):
        return ""
    rest = rest.rstrip("0")
    number = whole_part + (f".{rest}" if rest else "")
    return number if number == "0" else sign + number


def _split(digits: str) -> tuple[str, str, str]:
    """Return what stands before the decimal point, the point, and what stands after it.

    A comma with one or two digits behind it is the point, and what stands twice groups digits. One
    sign before three digits may be either, so that there is no number, but after a mere 0.
    """
    first, last = digits.replace(",", ".").partition(".")[::2]
    if len(last) == _GROUP_DIGITS:
        return ("", "", "") if first.lstrip("0") else (first, ".", last)
    if "," not in digits:
        grouped = _together(digits, ".") if digits.count(".") > 1 else ""
        return (grouped, "", "") if grouped else digits.partition(".")
    head, _, tail = digits.rpartition(",")
    if len(tail) < _GROUP_DIGITS:
        return _together(head, "."), ",", tail
    whole_part, point, rest = digits.partition(".")
    return _together(whole_part, ","), point, rest


def _together(digits: str, sign: str) -> str:
    """Return groups of three digits as one, or nothing where they are not."""
    first, *others = digits.split(sign)
    grouped = all(len(each) == _GROUP_DIGITS for each in others)
    if others and not (grouped and 0 < len(first) <= _GROUP_DIGITS and first[0] != "0"):
        return ""
    return first + "".join(others)


def _is_iban(text: str) -> bool:
    return (
        len(text) in _IBAN_CHARS
        and text.isascii()
        and text.isalnum()
        and text[:2].isalpha()
        and text[2:4].isdecimal()
    )


def _adds_up(iban: str) -> bool:
    """Whether the check digits are right (ISO 13616)."""
    return int("".join([str(int(each, 36)) for each in iban[4:] + iban[:4]])) % 97 == 1


def _url(text: str) -> str:
    """Return a URL as one spelling of it (RFC 3986, sections 6.2.2.1 and 6.2.3).

    The case of scheme and host, a default port and the root's slash may be left out; a reader
    may mind all else, as many do the case of a path, its last slash and what it escapes.
    """
    found = _URL.fullmatch(text)
    if not found:
        return text
    scheme, user, host, rest = found.groups(default="")
    scheme, host = scheme.lower(), lowered(host)
    host = host.removesuffix(_PORTS.get(scheme, " "))
    return f"{scheme}://{user}{host}{rest or '/'}"
