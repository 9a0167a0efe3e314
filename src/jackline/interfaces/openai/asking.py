"""What is asked of whoever talks to an agent by chat completions, as text, and their answers."""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from jackline.core.events import InputRequested

_DIGEST = 12
_QUESTIONS_MAX = 50
_LAST_MAX = 2_100
_FIRST = "I have to ask before I go on:\n```\n"
_NUMBER = re.compile(r"^question (\d{1,18}):", re.ASCII | re.MULTILINE)
_LAST = re.compile(r"\(session: (\S{1,2000})\)\Z", re.ASCII)
_YES, _NO = {"approve", "yes"}, {"decline", "no"}


def card(name: str, questions: Mapping[int, InputRequested], *, own: bool) -> str:
    """Return what a person is asked, who sees which call they allow, and where it came from.

    Nothing of the call can look like another part of the card. `own`: who asked may answer.
    """
    lines: list[str] = []
    for number, asked in questions.items():
        lines.append(f"question {number}: {_plain(asked.text)}")
        lines.append(f"  {_plain(asked.name)} {_plain(asked.arguments)}")
        lines += [f"  {_plain(each)}: {_plain(said)}" for each, said in asked.origins.items()]
        lines.append(f"  digest {asked.digest[:_DIGEST]}")
    how = 'Answer "approve" or "decline".' if own else "Somebody else has to approve or decline it."
    return _FIRST + "\n".join([*lines, "```", how, f"(session: {quote(name, safe='')})"])


def named(text: str) -> tuple[str, Sequence[int]] | None:
    """Return the session, percent-encoded, and the questions of the card that a text ends in.

    None: it does not look like one. Whether it is one is another matter.
    """
    found, begins = _LAST.search(text[-_LAST_MAX:]), text.rfind(_FIRST)
    if found is None or begins < 0:
        return None
    return found[1], [int(each) for each in _NUMBER.findall(text[begins:])[:_QUESTIONS_MAX]]


def without_card(text: str) -> str:
    """Return a text without the card that it ends in, which a person was to read and no model."""
    return text if named(text) is None else f"{text[: text.rfind(_FIRST)]}I had to ask."


def verdict(text: str) -> tuple[bool, str] | None:
    """Return whether a message says yes or no, and why. None: it says something else."""
    word, _, reason = text.strip().partition(":")
    said = word.strip().rstrip(".!").lower()
    return (said in _YES, reason.strip()) if said in _YES | _NO else None


def _plain(text: str) -> str:
    """Return a text that stays on its line, and within the fence, whatever somebody wrote."""
    line = text.encode("ascii", "backslashreplace").decode()
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in line).replace(
        "`", "\\u0060"
    )
