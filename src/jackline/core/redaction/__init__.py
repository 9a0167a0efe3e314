"""Redaction: personal data and secrets are found, and leave in no stream.

A text that comes in pieces is redacted as the whole of it would be, whatever the pieces are.
"""

from jackline.core.redaction.canary import Canary
from jackline.core.redaction.destinations import Links, Named
from jackline.core.redaction.handles import secrets_handled, secrets_stream
from jackline.core.redaction.kinds import KINDS, PII, SECRETS, Kind
from jackline.core.redaction.links import Url, links_allowed, links_stream, urls
from jackline.core.redaction.policy import DEFAULT, Action, Policy, Rule
from jackline.core.redaction.redactor import Redactor
from jackline.core.redaction.stream import Stream

__all__ = [
    "DEFAULT",
    "KINDS",
    "PII",
    "SECRETS",
    "Action",
    "Canary",
    "Kind",
    "Links",
    "Named",
    "Policy",
    "Redactor",
    "Rule",
    "Stream",
    "Url",
    "links_allowed",
    "links_stream",
    "secrets_handled",
    "secrets_stream",
    "urls",
]
