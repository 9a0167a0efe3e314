"""Secrets that are known by what stands before them: a name, a scheme, an address's beginning."""

from base64 import urlsafe_b64decode
from collections.abc import Iterator
from math import log2
from typing import Protocol

from jackline.core.patterns import Pattern
from jackline.core.redaction.keys import Run, is_mixed
from jackline.core.redaction.sight import Match, Sight, sight

_SHOWN = 256
_ENDS = "\"'`<>,;()[]{}|\\"
_VALUE = "".join([chr(code) for code in range(0x21, 0x7F) if chr(code) not in _ENDS])
_REST = Run(_VALUE)
_WEAK = (
    r"pass(?:word|wd|phrase|code)|pwd|passwort|kennwort|contrase_a|mots? de passe|senha"
    r"|(?:(?-i:_PASS)|[\"']pass)\b"
)
NAMES = (
    _WEAK + r"|secret|token|api[_ .\-]?key|access[_ .\-]?key|private[_ .\-]?key|auth[_ .\-]?key"
    r"|account[_ .\-]?key|encryption[_ .\-]?key|signing[_ .\-]?key|credentials?|authorization"
)
_OPERATOR = r"[\\\"'\])*]{0,3}[ \t]{0,3}(?:[:=]{1,2}>?|\bis\b)[ \t*]{0,3}\\{0,2}"
# In YAML a value may stand on the next line.
_NEXT = r":[ \t]{0,3}(?:[|>][+\-]?)?\r?\n[ \t]{1,12}"
TAG = rf"<[A-Za-z0-9_:.\-]{{0,20}}(?i:{NAMES})[A-Za-z0-9_.\-]{{0,8}}>"
_FLAG = rf"--(?:[a-z0-9\-]{{0,20}}-)?(?i:{NAMES})[ \t]{{1,3}}"
# A name and what stands between it and its value, which is at most 60 characters.
NAMED = rf"(?:(?i:{NAMES})[A-Za-z0-9_.\-]{{0,20}}(?:[\"']?{_NEXT}|{_OPERATOR})|{TAG}|{_FLAG})"
_NAMED = Pattern(NAMED)
_IS_WEAK = Pattern(rf"^(?:<[A-Za-z0-9_:.\-]*|--[a-z0-9\-]*)?(?i:{_WEAK})")
# Tests pass, and passes are things: only what looks like a password is one behind these.
_IS_SHORT = Pattern(r"^(?i:[_\"']?pass)\b")
# The same in scripts of which the view in ASCII shows nothing.
_FOREIGN = (
    "ароль",
    "密码",
    "密碼",
    "口令",
    "パスワード",
    "비밀번호",
    "암호",
    "كلمة المرور",
    "סיסמה",
    "पासवर्ड",
)
# A question mark stands for what is none in ASCII, such as the word for "is".
GIVEN = r"[\"'*]{0,2}[ \t]{0,3}(?:[:=]|\?{1,3} )[ \t]{0,3}"
_GIVEN = Pattern(f"^{GIVEN}")
_GIVEN_MAX = 12


def assigned(seen: Sight) -> Iterator[Match]:
    """Find what a name such as `password` or `api_key` is given."""
    for found in _NAMED.finditer(seen.plain):
        name = found.group().rstrip("\\")
        start = found.end() - (name[0] == "<")
        if is_of_another_thing(name) or (name[-1] == ":" and _is_in_arn(seen.plain, start)):
            continue
        weak = _IS_WEAK.search(name) is not None
        if match := _value(seen, start, _judge(name, weak=weak)):
            yield match._replace(kind="password" if weak else "secret")
    if is_foreign(seen):
        yield from _foreign(seen)


# As the last word of a name these make it that of another thing than a secret.
_OF_OTHERS = (
    "age algo algorithm arn at attempt attempts by changed count counter counts created date "
    "days description enabled endpoint expiration expire expired expires expiry failures field "
    "file filename format hint hints history hours id ids in index issued label lastset length "
    "lifetime limit limits manager max maximum method min minimum minutes modified name names "
    "number on path policies policy provider ref reference references refs required retries "
    "rotated rotation rule rules scope scopes score seconds set since size state status "
    "strength time timestamp tries ttl type types until updated uri url usage used valid "
    "validity version"
)
_OTHERS = frozenset(_OF_OTHERS.split())
_BEHIND = Pattern(rf"(?i:{NAMES})([A-Za-z0-9_.\-]*)")
_WORD = Pattern(r"[A-Z]?[a-z]+|[A-Z]+")


def is_of_another_thing(name: str) -> bool:
    """Whether what follows a secret's name in the word makes it another one's: `token_count`."""
    found = _BEHIND.search(name)
    words = [word.group() for word in _WORD.finditer(found.group(1))] if found else ()
    return bool(words) and words[-1].lower() in _OTHERS


# The name of a resource, in which services and kinds of resources are called after secrets.
_ARN = r"arn:aws[a-z\-]{0,12}:[A-Za-z0-9_.:/+=@\-]*"
_IN_ARN = Pattern(rf"\b{_ARN}\z")
_BEFORE_MAX = 64


def _is_in_arn(plain: str, at: int) -> bool:
    return _IN_ARN.search(plain[max(0, at - _BEFORE_MAX) : at]) is not None


def _judge(name: str, *, weak: bool) -> "_Judge":
    """Return what says whether a value is a secret behind this name and what follows it."""
    if "\n" in name:
        return _is_said if weak else _is_secret
    if _IS_SHORT.search(name):
        return _is_one_word
    if name[0] != "<" and name.rstrip(" \t*").lower().endswith("is"):
        return _is_said
    if weak:
        return _is_given if name[-1] == "=" else _is_password
    return _is_secret


def is_foreign(seen: Sight) -> bool:
    """Whether a password is named in a script that the view in ASCII does not show."""
    return not seen.text.isascii() and any(name in seen.text for name in _FOREIGN)


def _foreign(seen: Sight) -> Iterator[Match]:
    for name in _FOREIGN:
        at = seen.text.find(name)
        while at >= 0:
            end = at + len(name)
            after = _GIVEN.search(seen.plain[end : end + _GIVEN_MAX])
            if after and (match := _value(seen, end + after.end(), _is_password)):
                yield match
            at = seen.text.find(name, end)


class _Judge(Protocol):
    """Says whether a value is a secret."""

    def __call__(self, value: str, *, quoted: bool) -> bool: ...


# Whoever types these writes prose, as in "at least 8 characters": a password is typed in letters.
_PROSE = Pattern(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\x{3000}-\x{303f}]")


def _value(seen: Sight, start: int, judge: _Judge) -> Match | None:
    """Return the value that begins at `start`, if it is one that nobody should see."""
    plain = seen.plain
    quote = plain[start : start + 1]
    if quote and quote in "\"'`>":
        end = plain.find("<", start, start + _SHOWN) if quote == ">" else _closed(plain, start)
        start += 1
        value = plain[start : max(end, 0)]
        if value and "\n" not in value:
            return Match(start, end, "secret") if judge(value, quoted=True) else None
    shown = plain[start : start + _SHOWN]
    length = len(shown) - len(shown.lstrip(_VALUE))
    if prose := _PROSE.search(seen.text[start : start + length]):
        length = prose.start()
    if length == _SHOWN:
        return Match(start, start + length, "secret", _REST)
    value = shown[:length].rstrip(".:")
    if "**" in plain[max(0, start - _BEFORE_MAX) : start]:
        value = value.rstrip("*")
    end = start + len(value)
    is_code = plain[end : end + 1] in {"(", "[", "{"} and _IS_CODE.search(value)
    if not value or is_code:
        return None
    return Match(start, end, "secret") if judge(value, quoted=False) else None


# What is called, indexed or filled in.
_IS_CODE = Pattern(r"^[A-Za-z_$@][A-Za-z0-9_.:$]*\z")


def _closed(plain: str, start: int) -> int:
    """Return where a value ends that stands behind the quotation mark at `start`; -1: nowhere.

    A mark that is written with more escapes than the first is one of the value.
    """
    escapes = _escapes(plain[max(0, start - _ESCAPES_MAX) : start])
    end = plain.find(plain[start], start + 1, start + _SHOWN)
    while end >= 0:
        if _escapes(plain[start + 1 : end]) % (2 * escapes + 2) == escapes:
            return end - escapes
        end = plain.find(plain[start], end + 1, start + _SHOWN)
    return end


_ESCAPES_MAX = 8


def _escapes(before: str) -> int:
    return len(before) - len(before.rstrip("\\"))


_FIELD = Pattern(rf"(?:(?i:{NAMES})[A-Za-z0-9_.\-]{{0,20}}|^(?i:pass))[^A-Za-z0-9]{{0,3}}\z")


def secret_under(name: str, value: str, *, quoted: bool) -> str | None:
    """Return of what kind a value is as the whole of what stands under a name; None: no secret."""
    said, found = sight(value).plain, _FIELD.search(sight(name).plain)
    if name.rstrip().endswith(_FOREIGN):
        kind, judge = "secret", _is_password
    elif found is None or is_of_another_thing(found.group()):
        return None
    elif _IS_SHORT.search(found.group()):
        kind, judge = "password", _is_one_word
    elif _IS_WEAK.search(found.group()):
        kind, judge = "password", _is_password
    else:
        kind, judge = "secret", _is_secret
    if len(said) < _SHOWN:
        return kind if judge(said, quoted=quoted) else None
    # More than a secret is a text, unless it is in one piece, or begins with one.
    first = said[: len(said) - len(said.lstrip(_VALUE))]
    return kind if len(first) >= _SHOWN or judge(first, quoted=False) else None


# What code says of where a secret stands: `settings.API_KEY_2`.
_IDENTIFIER = r"[A-Za-z_][A-Za-z]*[0-9]{0,2}(?:_(?:[A-Za-z]+[0-9]{0,2}|[0-9]{1,2}))*"
_VARIABLE = rf"\$(?:env:)?{_IDENTIFIER}(?:[.:\-]{{1,2}}(?:{_IDENTIFIER})?)*|%{_IDENTIFIER}%"
_FILE = r"(?:[A-Z]:|~|\.{1,2})?[/\\](?:[A-Z0-9]{0,20}[._\-/\\ @]{1,4})*[A-Z0-9]{0,20}"
_PLACEHOLDER = Pattern(
    r"^(?i:\*+|[x.\-_?]+|none|null|nil|true|false|undefined|redacted"
    r"|your(?:[_\- ](?:[a-z]+|[0-9]{1,3}))+"
    rf"|{_VARIABLE}|\$\{{.*\}}|\$\(.*\)|\{{\{{.*\}}\}}|(?:env|os|process)(?:\.{_IDENTIFIER})+"
    rf"|https?://.*|{_FILE}"
    # What documents say of a field, a date with or without its time, and the name of a resource.
    r"|string|optional|required|hidden|invalid|expired|incorrect|missing|disabled|enabled|unchanged"
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9:.,]{2,18}(?:Z| ?[+\-][0-9:]{2,6})?)?"
    rf"|{_ARN})$"
)
_PART = Pattern(r"[A-Za-z]+|[0-9]+")
_ENTROPY_MIN = 3.0
_PASSWORD_MIN, _SAID_MIN, _KEY_MIN, _LONG_MIN = 4, 6, 8, 16


def _is_plain(value: str) -> bool:
    """Whether it is words and numbers, put together as names and paths of programs are."""
    parts = value.replace("-", ".").replace("_", ".").replace("/", ".").replace(":", ".").split(".")
    words = all(
        not part or part.isdigit() or part.lower() == part or part.title() == part for part in parts
    )
    return words and all(part.isalpha() or part.isdigit() or not part for part in parts)


_PATH = Pattern(rf"^{_IDENTIFIER}(?:\.{_IDENTIFIER})+$")
_NAMES = Pattern(rf"(?i:{NAMES})")


def _is_password(value: str, *, quoted: bool) -> bool:
    if len(value) < _PASSWORD_MIN or _PLACEHOLDER.fullmatch(value):
        return False
    if not quoted and _PATH.search(value) and _NAMES.search(value):
        return False
    return not _is_plain(value) or value.isdigit() or (quoted and len(value) >= _SAID_MIN)


def _is_given(value: str, *, quoted: bool) -> bool:
    """Whether it is a password that stands right behind a sign of equality."""
    if _is_password(value, quoted=quoted):
        return True
    word = value.isalpha() and len(value) >= _SAID_MIN and not _IS_WEAK.search(value)
    return word and _PLACEHOLDER.fullmatch(value) is None


def _is_said(value: str, *, quoted: bool) -> bool:
    if quoted:
        return _is_password(value, quoted=True)
    digit, letter = any(map(str.isdigit, value)), any(map(str.isalpha, value))
    return digit and letter and len(value) >= _SAID_MIN and not _PLACEHOLDER.fullmatch(value)


def _is_one_word(value: str, *, quoted: bool) -> bool:  # noqa: ARG001 - prose is quoted, too
    return " " not in value and is_mixed(value) and _is_said(value, quoted=False)


def _is_secret(value: str, *, quoted: bool) -> bool:  # noqa: ARG001 - a quotation makes no key
    if len(value) < _KEY_MIN or _PLACEHOLDER.fullmatch(value) or _is_plain(value):
        return False
    if _PATH.search(value):
        return False
    if not any(map(str.isdigit, value)) or not any(map(str.isalpha, value)):
        return False
    return is_mixed(value) or (len(value) >= _LONG_MIN and entropy(value) >= _ENTROPY_MIN)


def entropy(value: str) -> float:
    """Return the bits that a character of it tells, if each were drawn as often as it occurs."""
    shares = [value.count(sign) / len(value) for sign in set(value)]
    return -sum(share * log2(share) for share in shares)


_SCHEME = Pattern(
    r"(?i)(?:bearer|(basic)|authorization[\"']?[ \t]?[:=][ \t\"']{0,3}[a-z]{2,12})[ \t]{1,3}"
)
_CREDENTIAL = Run("".join([sign for sign in _VALUE if sign.isalnum() or sign in "-._~+/="]))


def schemes(seen: Sight) -> Iterator[Match]:
    """Find credentials behind the name of a scheme of HTTP (RFC 6750, RFC 7617)."""
    for found in _SCHEME.finditer(seen.plain):
        start = found.end()
        shown = seen.plain[start : start + _SHOWN]
        length = _CREDENTIAL.length(shown)
        value = shown[:length].rstrip(".")
        if len(value) < _LONG_MIN or not (is_mixed(value) or _is_secret(value, quoted=False)):
            continue
        if found.start(1) >= 0 and not _has_name(value):
            continue
        tail = _CREDENTIAL if length == _SHOWN else None
        yield Match(start, start + (length if tail else len(value)), "bearer-token", tail)


def _has_name(value: str) -> bool:
    """Whether it is a user's name and password in base64, and no word behind the word "basic"."""
    try:
        return b":" in urlsafe_b64decode(value[: len(value) // 4 * 4])
    except ValueError:
        return False


_USER_MAX = 48
_AUTHORITY_MAX = 192
# Spaces are those that the view in ASCII shows as one.
_AUTHORITY_ENDS = Pattern(r"[\s\x{a0}\x{2002}-\x{200a}\x{202f}\x{205f}\x{3000}/?#\"'<>\\]")


def urls(seen: Sight) -> Iterator[Match]:
    """Find passwords in URLs (RFC 3986, 3.2.1)."""
    text, plain = seen.text, seen.plain
    at = plain.find("://")
    while at >= 0:
        start = plain.find(":", at + 3, at + 3 + _USER_MAX) + 1
        if (
            start
            and not _AUTHORITY_ENDS.search(text[at + 3 : start])
            and "@" not in plain[at + 3 : start]
        ):
            shown = text[start : start + _AUTHORITY_MAX]
            stop = _AUTHORITY_ENDS.search(shown)
            end = plain.rfind("@", start, start + (stop.start() if stop else len(shown)))
            if end > start:
                yield Match(start, end, "url-password")
        at = plain.find("://", at + 3)
