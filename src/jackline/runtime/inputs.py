"""What users say, on its way into a journal: judged by the guards, uploads kept."""

from collections.abc import Sequence

from jackline.core.agent import Agent
from jackline.core.characters import encodings
from jackline.core.errors import InputError
from jackline.core.events import GuardJudged, SessionId
from jackline.core.guards import Audience, fitted, judge
from jackline.core.inputs import Given, Upload
from jackline.core.messages import File, Image, InputPart, Pasted, Text
from jackline.core.user import User
from jackline.ports import Store
from jackline.runtime.secrecy import Discretion, without_secrets

_NAME_MAX = 200


def passing(
    agent: Agent, user: User, parts: Sequence[Given], subject: str
) -> tuple[Sequence[Given], tuple[GuardJudged, ...]]:
    """Return parts as they may pass the input's guards, and what these said.

    The words are judged as one text: what is denied may stand across two parts. Pictures and
    files stay beside redacted words, and words that the user did not write stay untrusted.
    """
    guards = fitted(agent.standing, Audience(user.tenant, user.roles))
    words = [part for part in parts if isinstance(part, Text | Pasted)]
    text = "\n".join(part.text for part in words)
    passed, said = judge(guards, "input", text, subject)
    if any(each.decision in {"ask", "block"} for each in said):
        return (Text("[blocked]"),), said
    if passed == text:
        return parts, said
    kind_of = Pasted if any(isinstance(part, Pasted) for part in words) else Text
    others = [part for part in parts if not isinstance(part, Text | Pasted)]
    return (kind_of(passed), *others), said


async def keep(
    store: Store, session: SessionId, parts: Sequence[Given], secrets: Discretion
) -> tuple[InputPart, ...]:
    """Keep uploads as artifacts of the session, without secrets, and measure what is one already.

    Raises `NotFoundError` where there is no such artifact.
    """
    kept: list[InputPart] = []
    for part in without_secrets(secrets, parts):
        match part:
            case Text() | Pasted():
                kept.append(part)
            case Upload():
                handle = await store.put(session, part.data, part.media_type)
                kept.append(_artifact(handle, part))
            case Image() | File():
                data, media_type = await store.get(session, part.artifact)
                name, most = "", None
                if isinstance(part, File):
                    name, most = part.name, part.tokens_max
                kept.append(_artifact(part.artifact, Upload(data, media_type, name, most)))
    return tuple(kept)


def _artifact(handle: str, upload: Upload) -> Image | File:
    if upload.is_image:
        return Image(handle, upload.media_type)
    size, is_text = len(upload.data), bool(encodings(upload.data, upload.media_type))
    return File(handle, upload.media_type, upload.name, size, upload.tokens_max, is_text)


def short(name: str) -> str:
    """Return the id of a request. Raises `InputError` where it is none."""
    if len(name) > _NAME_MAX or not name.isprintable():
        raise InputError(
            f"{name[:40]!r} is no request id: at most {_NAME_MAX} printable characters."
        )
    return name


def checked_name(name: str) -> str:
    """Return the name of a session. Raises `InputError` where it could not be shown or found."""
    if not 0 < len(name) <= _NAME_MAX or not name.isprintable() or "/" in name:
        raise InputError(
            f"{name[:40]!r} is no session's name: 1 to {_NAME_MAX} printable characters, no slash."
        )
    return name
