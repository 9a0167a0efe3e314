"""The first guard of the stack: what comes in is cleaned, and looked at in every way it reads."""

import json

from jackline.core.events import Gate
from jackline.core.guards import ALLOW, Verdict
from jackline.core.sanitise.cleaning import Cleaned, clean
from jackline.core.sanitise.injections import scan
from jackline.core.sanitise.reading import bounded
from jackline.core.sanitise.values import clean_value
from jackline.core.sanitise.viewing import view


class Sanitiser:
    """Takes out of input and results what is never legitimate, and flags known injections.

    What is taken out is found, and so is what it said; an injection is sought in every way in
    which the text can be read. A flag lets the text pass: it is told, and raises suspicion.
    """

    name = "sanitiser"
    gates: frozenset[Gate] = frozenset({"input", "result"})
    hold_back = None

    def judge(self, gate: Gate, text: str) -> Verdict:  # noqa: ARG002 - the same at both
        """See `Guard.judge`."""
        cleaned, said = _cleaned(text)
        viewed = view(said)
        injections = scan(viewed.readings)
        unread = tuple([each for each in viewed.findings if each.what == "too_large"])
        if cleaned.text == text and not injections and not unread:
            return ALLOW
        found = bounded((*cleaned.findings, *injections, *unread))
        reasons = [
            _told("it holds what nobody can see", [each.what for each in cleaned.findings]),
            _told("it reads like an injection", [each.what for each in injections]),
            "its middle is too large to be looked at" if unread else "",
        ]
        reason = "; ".join([each for each in reasons if each])
        if cleaned.text == text:
            return Verdict("flag", reason, found)
        return Verdict("redact", reason, found, cleaned.text)


def _cleaned(text: str) -> tuple[Cleaned, str]:
    """Return what may travel on of a text, and what the text says: JSON says it in escapes, too.

    JSON is cleaned text by text, so that each finding has the path of its field, and what was
    cleaned is JSON again.
    """
    cleaned = clean(text)
    if text.lstrip()[:1] not in {"{", "["} or (cleaned.text == text and "\\u" not in text):
        return cleaned, text
    try:
        value = json.loads(text, object_pairs_hook=_fields)
        found = clean_value(value)
        said = json.dumps(value, ensure_ascii=False)
        passed = json.dumps(found.value, ensure_ascii=False, separators=(",", ":"))
    except RecursionError:
        if cleaned.text == text:
            return cleaned, text
        # It is JSON no more: where it can be read, names that cleaning made the same would count.
        return Cleaned(f"{cleaned.text} [cleaned]", cleaned.findings), text
    except ValueError:
        return cleaned, text
    return (Cleaned(passed, found.findings) if found.findings else cleaned), said


def _fields(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return an object's fields. Raises `ValueError` where a name is said twice: which counts?"""
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a name is said twice")
    return fields


def _told(what: str, kinds: list[str]) -> str:
    names = ", ".join(dict.fromkeys(kind.removeprefix("injection.") for kind in kinds))
    return f"{what} ({names})" if names else ""
