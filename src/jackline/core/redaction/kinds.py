"""What can be found in a text, and how far one has to look to be sure of it."""

from types import MappingProxyType
from typing import Literal

from jackline.core.patterns import Pattern
from jackline.core.value import Value

Group = Literal["pii", "secret"]


class Kind(Value, frozen=True):
    """A kind of personal data, or of secret.

    Whether it stands at a place follows from the `context` characters before it, and from the
    `longest` + `context` that begin there; nothing else matters. A secret that goes on beyond
    `longest` is one until its terminator.
    """

    name: str
    group: Group
    longest: int
    context: int


# A handle is no longer than what is looked at before a place.
_WORDS = 48
_RUN_MAX = 256

_PII = (
    Kind("email", "pii", 320, 64),
    Kind("iban", "pii", 48, _WORDS),
    Kind("card", "pii", 128, _WORDS),
    Kind("us-ssn", "pii", 11, _WORDS),
    Kind("uk-nino", "pii", 13, _WORDS),
    Kind("de-tax-id", "pii", 14, _WORDS),
    Kind("es-dni", "pii", 12, _WORDS),
    Kind("fr-nir", "pii", 21, _WORDS),
    Kind("it-codice-fiscale", "pii", 16, _WORDS),
    Kind("nl-bsn", "pii", 11, _WORDS),
    Kind("br-cpf", "pii", 14, _WORDS),
    Kind("pl-pesel", "pii", 11, _WORDS),
    Kind("se-personnummer", "pii", 13, _WORDS),
    Kind("in-aadhaar", "pii", 14, _WORDS),
    Kind("be-rijksregister", "pii", 15, _WORDS),
    Kind("ch-ahv", "pii", 16, _WORDS),
    Kind("cn-resident-id", "pii", 18, _WORDS),
    Kind("tr-kimlik", "pii", 11, _WORDS),
    Kind("phone", "pii", 48, _WORDS),
    Kind("ip", "pii", 45, _WORDS),
)
_KEYS = (
    "private-key",
    "jwt",
    "aws-key",
    "gcp-key",
    "azure-key",
    "github-token",
    "gitlab-token",
    "slack-token",
    "stripe-key",
    "anthropic-key",
    "openai-key",
    "openrouter-key",
    "groq-key",
    "xai-key",
    "perplexity-key",
    "sendgrid-key",
    "twilio-key",
    "npm-token",
    "pypi-token",
    "huggingface-token",
    "digitalocean-token",
    "shopify-token",
    "telegram-token",
    "jackline-key",
    "bearer-token",
    "url-password",
    "password",
    "secret",
)
# Where two matches are equally long the one whose kind stands first here is taken.
KINDS = MappingProxyType(
    {kind.name: kind for kind in (*(Kind(name, "secret", _RUN_MAX, 64) for name in _KEYS), *_PII)}
)
ALL = frozenset(KINDS)
SECRETS = frozenset(name for name, kind in KINDS.items() if kind.group == "secret")
PII = ALL - SECRETS
_NAMES = "|".join(KINDS)
# What stands for something of a kind that was taken out, as redactors and handles show it.
HANDLE = Pattern(rf"\[(?:redacted:(?:{_NAMES})|(?:secret:)?(?:{_NAMES}):[0-9a-f]{{16}})\]")
