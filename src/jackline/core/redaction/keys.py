"""Keys and tokens that their issuers made to be known by how they begin."""

from collections.abc import Iterator
from typing import NamedTuple

from jackline.core.patterns import Pattern
from jackline.core.redaction.sight import Match, Sight, ends_escape

_LOWER = "abcdefghijklmnopqrstuvwxyz"
_LETTERS = _LOWER + _LOWER.upper()
_DIGITS = "0123456789"
_HEX = _DIGITS + "abcdef"
_ALNUM = _LETTERS + _DIGITS
_WORD = _ALNUM + "_"
_URL = _WORD + "-"
_SHOWN = 256


class Run:
    """What follows a key that is longer than any that is known: all that could be part of it."""

    reach = 0

    def __init__(self, signs: str) -> None:
        self._signs = signs

    def length(self, plain: str) -> int:
        """Return how much of the beginning could be part of it."""
        return len(plain) - len(plain.lstrip(self._signs))

    def close(self, plain: str, at: int, left: int) -> int:  # noqa: ARG002 - its signs end it
        """See `Tail.close`."""
        end = at + self.length(plain[at:])
        return end if end < len(plain) else -1


class Key(NamedTuple):
    """A key begins so, and goes on with `least` of these signs or more; `mixed`: with no word.

    `wordy`: words have such an end and go on like that, as in `task_test_connection`, so that
    within one it begins none.
    """

    begin: str
    kind: str
    least: int
    signs: str = _URL
    most: int = 0
    mixed: bool = False
    wordy: bool = False


_KEYS = (
    *(
        Key(begin, "aws-key", 16, _LETTERS[26:] + _DIGITS, 16)
        for begin in ("AKIA", "ASIA", "ABIA", "ACCA")
    ),
    Key("AIza", "gcp-key", 35, most=35),
    Key("GOCSPX-", "gcp-key", 28),
    Key("ya29.", "gcp-key", 20, _URL + "."),
    *(Key(f"gh{sort}_", "github-token", 36, _ALNUM) for sort in "pousr"),
    Key("github_pat_", "github-token", 22, _WORD),
    *(
        Key(begin, "gitlab-token", 20, _URL + ".")
        for begin in ("glpat-", "gldt-", "glrt-", "glptt-", "glcbt-", "glsoat-")
    ),
    *(Key(f"xox{sort}-", "slack-token", 10, _ALNUM + "-") for sort in "abceoprs"),
    Key("xapp-", "slack-token", 10, _ALNUM + "-", wordy=True),
    Key("hooks.slack.com/services/", "slack-token", 20, _ALNUM + "/"),
    *(
        Key(f"{who}_{mode}_", "stripe-key", 10, _ALNUM, wordy=True)
        for who in ("sk", "rk")
        for mode in ("live", "test")
    ),
    Key("whsec_", "stripe-key", 24, _ALNUM + "+/="),
    Key("sk-ant-", "anthropic-key", 20, wordy=True),
    Key("sk-or-v1-", "openrouter-key", 64, _HEX),
    Key("gsk_", "groq-key", 40, _ALNUM),
    Key("xai-", "xai-key", 60, _ALNUM),
    Key("pplx-", "perplexity-key", 40, _ALNUM),
    Key("sk-", "openai-key", 20, mixed=True, wordy=True),
    Key("SG.", "sendgrid-key", 60, _URL + ".", mixed=True, wordy=True),
    Key("SK", "twilio-key", 32, _HEX, 32, wordy=True),
    Key("AC", "twilio-key", 32, _HEX, 32, wordy=True),
    Key("npm_", "npm-token", 36, _ALNUM),
    Key("pypi-Ag", "pypi-token", 30),
    Key("hf_", "huggingface-token", 30, _ALNUM),
    *(Key(f"do{sort}_v1_", "digitalocean-token", 64, _HEX) for sort in "opr"),
    *(
        Key(f"shp{sort}_", "shopify-token", 32, _HEX + "ABCDEF")
        for sort in ("at", "ca", "pa", "ss")
    ),
    Key("jl_", "jackline-key", 72),
    # How headers begin that name their algorithm, type or key first; any other object is wordy.
    *(Key(f"eyJ{head}", "jwt", 10, _URL + ".") for head in ("hbGciOi", "0eXAiOi", "raWQiOi")),
    Key("eyJ", "jwt", 17, _URL + ".", wordy=True),
)
_BY_BEGIN = {key.begin: key for key in _KEYS}
BEGIN = (
    r"AKIA|ASIA|ABIA|ACCA|AIza|GOCSPX-|ya29\.|gh[pousr]_|github_pat_|gl(?:pat|dt|rt|ptt|cbt|soat)-"
    r"|xox[abceoprs]-|xapp-|hooks\.slack\.com/services/|[sr]k_(?:live|test)_|whsec_|sk-(?:ant-|or-v1-)?|SG\."
    r"|gsk_|xai-|pplx-|npm_|pypi-Ag|hf_|do[opr]_v1_|shp(?:at|ca|pa|ss)_|jl_|eyJ(?:hbGciOi|0eXAiOi|raWQiOi)?"
)
_BEGIN = Pattern(rf"{BEGIN}|SK|AC|8Q~|:AA")


def keys(seen: Sight) -> Iterator[Match]:
    """Find keys and tokens by their beginnings."""
    plain = seen.plain
    for found in _BEGIN.finditer(plain):
        start, begin = found.start(), found.group()
        if key := _BY_BEGIN.get(begin):
            in_word = key.wordy and plain[max(0, start - 1) : start].isalnum()
            if in_word and not ends_escape(plain, start):
                continue
            if match := _key(plain, start, key):
                yield match
        elif match := _inner(plain, start, begin):
            yield match


def _key(plain: str, start: int, key: Key) -> Match | None:
    body = start + len(key.begin)
    shown = plain[body : start + _SHOWN]
    length = len(shown) - len(shown.lstrip(key.signs))
    if length < key.least or (key.mixed and not is_mixed(shown[:length])):
        return None
    if key.most:
        goes_on = shown[key.most : length][:1].isalnum()
        return None if goes_on else Match(start, body + key.most, key.kind)
    if key.kind == "jwt" and not _is_token(shown[:length]):
        return None
    if start + _SHOWN == body + length:
        return Match(start, body + length, key.kind, _RUNS[key.signs])
    return Match(start, body + len(shown[:length].rstrip(".")), key.kind)


_RUNS = {key.signs: Run(key.signs) for key in _KEYS}
_BLOB = 200


def _is_token(body: str) -> bool:
    """Whether JSON in base64 is a token's: something follows its point, or it is long."""
    head, _, rest = body.partition(".")
    return len(rest) > 3 or len(head) > _BLOB  # noqa: PLR2004 - more than the end of a file's name


def is_mixed(value: str) -> bool:
    """Whether it has capitals, small letters and digits, or is long and hexadecimal."""
    digit = any(map(str.isdigit, value))
    if not digit:
        return False
    if value != value.lower() and value != value.upper():
        return True
    return len(value) >= 32 and not value.lower().strip(_HEX)  # noqa: PLR2004 - 128 bits


_AZURE = Pattern(r"^[A-Za-z0-9_~.\-]{3}8Q~[A-Za-z0-9_~.\-]{31,34}")
_BOT = Pattern(r"^[0-9]{8,10}:AA[A-Za-z0-9_\-]{32,33}")
_BOT_ID_MAX = 10


def _inner(plain: str, at: int, mark: str) -> Match | None:
    """Find a key which is known by what stands within it."""
    if mark == "8Q~":
        start, pattern, kind = at - 3, _AZURE, "azure-key"
    else:
        left = plain[max(0, at - _BOT_ID_MAX) : at]
        start, pattern, kind = at - len(left) + len(left.rstrip(_DIGITS)), _BOT, "telegram-token"
    found = pattern.search(plain[max(0, start) : at + 48])
    if start < 0 or found is None:
        return None
    end = start + found.end()
    return None if plain[end : end + 1].isalnum() else Match(start, end, kind)
