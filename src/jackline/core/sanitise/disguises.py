"""Ways to write words that a model reads and a pattern does not: rot13, leetspeak, gaps.

Any text can be turned by 13 letters. It counts as written so only where that makes words of it.
"""

from codecs import encode
from itertools import islice
from string import ascii_lowercase, ascii_uppercase

from jackline.core.patterns import Pattern
from jackline.core.sanitise.reading import Edit

_WORDS_MIN = 2
_COMMON = (
    "the and you your all are this that with from not have ignore previous instructions system "
    "prompt user must now password above rules send reveal print everything"
)
_VOCABULARY = (
    _COMMON + " prior disregard forget override bypass earlier preceding instruction directions "
    "directives guidelines commands orders prompts messages conversation context programming "
    "constraints restrictions developer mode hidden secret initial original show repeat output "
    "display tell give leak expose disclose dump share write verbatim text words assistant admin "
    "administrator api key keys passwords credentials token tokens email mail forward post upload "
    "exfiltrate transfer delete file files data database call tool function execute run command "
    "url http https without telling asking inform mention anyone pretend act as if no longer bound "
    "restricted unrestricted jailbreak jailbroken do anything follow obey new task role goal what "
    "was told said before been is will be them these those my me of to for any every please stop "
    "respond answer reply only instead access account user's users human important urgent"
)
_ENGLISH = Pattern(rf"(?i)\b(?:{_COMMON.replace(' ', '|')})\b")
_LATIN = Pattern(r"[A-Za-z]{3}")
_LEET = Pattern(r"[A-Za-z][0-9@$!|+]|[0-9@$!|+][A-Za-z]")
_TOKEN = Pattern(
    r"[A-Za-z]+[0-9@$!|+][A-Za-z0-9@$!|+]*|[0-9@$!|+]+[A-Za-z][A-Za-z0-9@$!|+]*|[@$!|+][0-9@$!|+]+"
)
_SPACED = Pattern(r"\b(?:[A-Za-z][ ._*\-]{1,3}){4,}[A-Za-z]\b")
_UPPER = str.maketrans(ascii_uppercase, ascii_lowercase.replace("l", "i"))
_SHAPES = str.maketrans("01l!|3@4$5+7896", "oiiiieaasstt" + "bgg") | _UPPER
_SHAPED = {word.translate(_SHAPES): word for word in _VOCABULARY.split()}
_DIGITS = str.maketrans("01!|3@4$5+7", "oiiieaasstt")
_ONLY_DIGITS = str.maketrans("013457", "oieast")


def rotated(text: str) -> list[Edit]:
    """Return the text with each letter turned by 13, where that makes it English."""
    if _LATIN.search(text) is None:
        return []
    turned = encode(text, "rot13")
    if _is_english(turned) or (_LEET.search(text) and _is_english(turned.translate(_DIGITS))):
        return [Edit(0, len(text), turned, "rot13")]
    return []


def _is_english(text: str) -> bool:
    return len(list(islice(_ENGLISH.finditer(text), _WORDS_MIN))) == _WORDS_MIN


def unleeted(text: str) -> list[Edit]:
    """Return the words that are written with digits and signs for letters, in letters."""
    if _LEET.search(text) is None:
        return []
    shapes = text.translate(_SHAPES)
    edits, known = list[Edit](), 0
    for found in _TOKEN.finditer(text):
        start, end = found.start(), found.end()
        said = _SHAPED.get(shapes[start:end])
        if said is None:
            word = start + len(text[start:end].rstrip("!|+$"))
            said = _SHAPED.get(shapes[start:word])
            end = word if said else end
        token = text[start:end]
        # A number may look like a word, too: 411 is no "all".
        if token.isdigit() or (said is None and not any(each.isalpha() for each in token)):
            continue
        known += said is not None
        edits.append(Edit(start, end, said or token.translate(_ONLY_DIGITS), "leetspeak"))
    return edits if known >= _WORDS_MIN else []


def unspaced(text: str) -> list[Edit]:
    """Return the words whose letters stand apart, joined."""
    return [
        Edit(found.start(), found.end(), _joined(found.group()), "spaced")
        for found in _SPACED.finditer(text)
    ]


def _joined(letters: str) -> str:
    words = letters.replace("   ", "\n").replace("  ", "\n").split("\n")
    return " ".join(["".join([each for each in word if each.isalpha()]) for word in words])
