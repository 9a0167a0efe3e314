"""What is in a text and a person would not see once it is shown: HTML and Markdown."""

from itertools import chain

from jackline.core.patterns import Pattern
from jackline.core.sanitise.reading import Edit

_STYLES = (
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|opacity\s*:\s*0(?:\.0\d*)?\s*[;\"'!]"
    r"|font-size\s*:\s*[01](?:\.\d+)?(?:px|pt|em|rem|%)?\s*[;\"'!]"
    r"|color\s*:\s*(?:transparent|white|#fff|#ffffff|rgba?\(\s*255\s*,\s*255\s*,\s*255)"
    r"|text-indent\s*:\s*-|(?:left|top)\s*:\s*-\d{3}|clip\s*:\s*rect"
    r"|(?:max-)?(?:width|height)\s*:\s*[01](?:px)?\s*[;\"'!]"
)
_COMMENT = Pattern(r"(?s)<!--(.*?)-->")
_STYLED = Pattern(rf"(?is)<[a-z][^<>]*(?:style\s*=\s*[^<>]*(?:{_STYLES})|\shidden\b)[^<>]*>(.*?)</")
_ATTRIBUTE = Pattern(
    r"(?is)\b(?:alt|title|content|aria-label|placeholder|value|data-[a-z-]+)\s*=\s*"
    r"(?:\"([^\"<>]{8,})\"|'([^'<>]{8,})')"
)
_IMAGE = Pattern(r"!\[([^\[\]]*)\]\(([^()\s]*)(?:\s+[\"']([^\"'()]*)[\"'])?\s*\)")
_REMARK = Pattern(r"(?m)^[ \t]*\[[^\[\]\n]*\]:[ \t]*(?:#|<>)[ \t]*[\"'(]([^\n]*)[\"')][ \t]*$")
_TAG = Pattern(r"</?[A-Za-z][A-Za-z0-9-]*(?:[\s/][^<>]*)?>")
_WHERE = (
    ("comment", "<!--", _COMMENT),
    ("hidden_style", "<", _STYLED),
    ("attribute", "=", _ATTRIBUTE),
    ("image", "![", _IMAGE),
    ("remark", "]:", _REMARK),
)


def hidden(text: str) -> list[Edit]:
    """Return what a person would not see, by what hides it, in order."""
    edits = list[Edit]()
    for what, hint, pattern in _WHERE:
        if hint not in text:
            continue
        for found in pattern.finditer(text):
            for group in range(1, _GROUPS.get(what, 1) + 1):
                if said := found.group(group):
                    edits.append(Edit(found.start(group), found.end(group), said, what))
    return sorted(edits)


_GROUPS = {"attribute": 2, "image": 3}


def unmarked(text: str) -> list[Edit]:
    """Return the removal of tags and comments, between which a word may be split."""
    if "<" not in text:
        return []
    # One pattern for both would look for a comment's end from each beginning to the text's end.
    places = [pattern.finditer(text) for pattern in (_COMMENT, _TAG)]
    return sorted([Edit(found.start(), found.end()) for found in chain(*places)])
