"""What known injections say, whatever the words around it.

Patterns of text as `view` reads it: letters of the Latin script stand there without accents. A
space in an expression is anything but letters and digits of ASCII, or nothing. They are a first
net with wide meshes, for what is sent in bulk: a hit raises taint or flags, and never is the lack
of one a reason to let anything pass.
"""

from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

from jackline.core.events import Finding
from jackline.core.patterns import Pattern
from jackline.core.sanitise.abroad import ABROAD, FURTHER
from jackline.core.sanitise.reading import Edit, Reading, bounded, findings

_HITS_MAX = 8
_BLANKS = r"[\x20\t]*"
_FILL = (
    r"(?: (?:all|any|every|each|of|the|these|those|this|that|your|our|my|its|and|to|from|other))*"
)
_BEFORE = (
    r"(?:previous|prior|above|earlier|preceding|foregoing|former|initial|original|existing|past)"
)
_ITS = rf"(?:{_BEFORE}|current|system|developer|default|safety|built ?in)"
_ORDERS = (
    r"(?:instructions?|prompts?|rules?|directions?|directives?|guidelines?|commands?|orders?"
    r"|constraints?|restrictions?|programming|training|polic(?:y|ies)|context|conversations?"
    r"|messages?|inputs?|requests?|tasks?|text)"
)
_PROMPT = (
    r"(?:(?:system|initial|hidden|secret|original|developer|internal|confidential|preceding)"
    r" (?:prompts?|instructions?|messages?|directives?|rules|guidelines|configuration))"
)
_SECRETS = (
    r"(?:conversations?|chat history|message history|system prompts?|instructions|api ?keys?"
    r"|passwords?|credentials?|secrets?|(?:access|auth|session|bearer) ?tokens?|private keys?"
    r"|environment variables|env vars|(?:user|personal|customer) (?:data|information|details)"
    r"|contacts|e ?mails|credit cards?|inbox|session cookies?|cookies)"
)
_SEND = (
    r"(?:send|post|upload|forward|transmit|exfiltrate|leak|append|encode|include|embed|deliver"
    r"|submit|e ?mail|copy|share)"
)
_PLACE = (
    r"(?:https?://|\burl\b|\bwebhook|query (?:string|parameter)|[a-z0-9._%+-]+@[a-z0-9-]+\.[a-z])"
)

_OVERRIDE = rf"""
(?:ignore|disregard|forget|override|bypass|overrule|neglect){_FILL} {_ITS}(?: (?:and|or|{_ITS}))*
{_FILL}
 {_ORDERS}

(?:ignore|disregard|forget|override|bypass){_FILL} {_ORDERS}{_FILL} (?:you|i|we|they|were|was
|have|has|been|which|given|provided|received|told|came|come|stated|written|listed)* (?:above
|before|previously|earlier|so far|prior|until now|preceding)

(?:ignore|disregard|forget) (?:everything|anything|all|whatever|what)(?: (?:that|you|i|we|was
|were|is|have|has|been|had|ve|things?))* (?:told|said|above|before|instructed|previously|learned
|learnt|taught|prior|know|written)\b

(?:do not|don ?t|stop|never|no longer) (?:follow|obey|adhere to|comply with|listen to|heed)
(?:ing)?{_FILL} {_ITS}{_FILL} {_ORDERS}

\byour (?:new|real|actual|true|only|updated) (?:task|role|job|objective|goal|mission|purpose
|instructions?|directives?) (?:is|are|will be)\b

(?:^|\n)[^a-z0-9\n]*(?:new|updated|revised|real|actual|important|urgent|critical) (?:system )?
(?:instructions?|directives?|orders)[^a-z0-9\n]*:
"""
_PERSONA = r"""
\byou are (?:now )?(?:no longer|not) (?:bound|restricted|limited|constrained|subject to|an ai\b
|an assistant)

\byou are now (?:in )?(?:dan\b|developer mode|debug mode|god mode|admin mode|root mode|jailbroken
|unrestricted|unfiltered|uncensored|free (?:from|of)|evil|rogue)

\bfrom now on,? (?:you|your|ignore|act|respond|answer|only|always|all|do not|pretend)\b

(?:act|behave|respond|answer|role ?play|speak|operate) as (?:an? )?(?:unrestricted|unfiltered
|uncensored|evil|jailbroken|amoral|unethical|dan\b|rogue)

do anything now|(?:enable|enter|activate|switch to|in) (?:developer|dan|god|jailbreak|debug)
 mode|developer mode (?:enabled|on|activated)

(?:no|without(?: any)?|free (?:of|from)(?: any| all)?|bypass(?: all| any)?|remove(?: all| any)?)
 (?:ethical|moral|safety|content|legal)(?: (?:and|or) (?:ethical|moral|safety|content|legal))?
 (?:restrictions|guidelines|filters?|constraints|limitations|limits|policies|guardrails|checks)
"""
_ROLE = r"""
(?:^|\n)[^a-z0-9\n]*(?:system|developer|admin(?:istrator)?) (?:prompt|message|override|instructions?
|notice|note|command|update|alert)[^a-z0-9\n]{0,3}[:\]>]

(?:^|\n)[^a-z0-9\n]{0,6}(?:system|assistant|developer)[^a-z0-9\n]{0,3}[:\]>] *(?:you\b|ignore
|from now|new|please|i will|the user|disregard|forget|always|do not|execute|send)

(?:^|\n)#{1,6} *(?:system|instructions?|assistant|human|user|response|end of prompt) *:? *
(?:\n|$)

[\[<(]/?(?:system|developer|admin)(?: (?:prompt|message|override|instructions?))?[\])>]

\b(?:this is|i am|i ?m|message from|on behalf of) (?:your|the) (?:developers?|creators?|system
 administrator|administrator|admin|operator|openai|anthropic)\b|(?:admin|administrator|developer
|system|emergency|security) override\b
"""
_TEMPLATE = r"""
<\|[a-z_\x20]{2,40}\|>|\[/?inst\]|<</?sys>>|<(?:start|end)_of_turn>|\[/?(?:system_prompt
|available_tools|tool_results)\]|\n\n(?:human|assistant):
"""
_TOOL_CALL = r"""
</?(?:antml:)?(?:function_calls?|invoke|tool_calls?|tool_use|tool_code|tool_results?|tool_response
|function_results?)\b

\[tool_calls?\]|"(?:tool_calls|function_call|tool_use)"[^a-z0-9]*[\[{:]

\{\s*"(?:name|tool|function)"\s*:\s*"[a-z0-9_.-]+"\s*,\s*"(?:arguments|parameters|input|args)"\s*:\s*[{"]

\b(?:call|use|invoke|run|trigger)(?: the)? [a-z0-9_.-]+ (?:tool|function|api)\b[^\n]{0,60}\b
(?:immediately|without (?:asking|confirm|telling)|right away|silently|before (?:you|answering))
"""
_SECRECY = r"""
without (?:asking|telling|informing|notifying|alerting|mentioning (?:it|this) to)(?: the| any)?
 (?:users?|humans?|anyone|person|operator|owner)

(?:do not|don ?t|never) (?:tell|inform|mention|reveal|alert|notify|disclose|show|say|let)(?:
 (?:this|that|it|these|anything|about|any|of|to))* (?:the )?(?:users?|humans?|anyone|owner)\b
"""
_EXFILTRATION = rf"""
!\[[^\[\]]{{0,200}}\]\(\s*<?(?:https?:)?//[^\s)]{{0,200}}[?=/&#](?:\{{|\$\{{|<|%7b|\[|your_|insert)

\b{_SEND}\b[^\n]{{0,60}}\b{_SECRETS}\b[^\n]{{0,60}}{_PLACE}

\b(?:append|add|encode|embed|include|insert|put)\b[^\n]{{0,60}}\b(?:in|into|to|as)\b[^\n]{{0,20}}\b
(?:the |an? )?(?:image|markdown|url|link|query) (?:url|link|image|parameter|string|src|tag)
"""
_PROMPT_LEAK = rf"""
(?:reveal|show|print|output|repeat|display|tell|give|share|write|dump|leak|expose|disclose|recite
|quote|summari[sz]e|translate|spell)(?: (?:me|us|out|back|down|up|exactly|verbatim|your|the|its
|all|of|full|entire|complete|exact|a|copy|contents?|text|word|for|and))* {_PROMPT}

what (?:is|are|was|were|does) (?:in )?(?:your|the)(?: (?:full|exact|entire|complete))* {_PROMPT}

(?:repeat|print|output|write|copy|say)(?: (?:me|back|out|down))* (?:everything|all|the (?:
words|text|lines|content))
(?: (?:of|the|that|is|was|text|words|written|stated|in this conversation))*
 (?:above|before|so far)
"""


class _Injection(NamedTuple):
    what: str
    pattern: Pattern


def _spaced(expression: str) -> str:
    return expression.replace(" *", _BLANKS).replace(" ", "[^a-z0-9]*")


def _pattern(block: str, *, spaced: bool = True) -> Pattern:
    """Return the pattern of a block of expressions, which empty lines part."""
    each = [expression.replace("\n", "") for expression in block.split("\n\n")]
    found = "|".join([f"(?:{_spaced(one) if spaced else one})" for one in each])
    return Pattern(f"(?i){found}")


_INJECTIONS = (
    _Injection("injection.override", _pattern(_OVERRIDE)),
    _Injection("injection.override", _pattern(ABROAD)),
    _Injection("injection.override", _pattern(FURTHER, spaced=False)),
    _Injection("injection.persona", _pattern(_PERSONA)),
    _Injection("injection.role", _pattern(_ROLE)),
    _Injection("injection.template", _pattern(_TEMPLATE)),
    _Injection("injection.tool_call", _pattern(_TOOL_CALL)),
    _Injection("injection.secrecy", _pattern(_SECRECY)),
    _Injection("injection.exfiltration", _pattern(_EXFILTRATION)),
    _Injection("injection.prompt_leak", _pattern(_PROMPT_LEAK)),
)


def scan(readings: Sequence[Reading]) -> tuple[Finding, ...]:
    """Return the known injections in these readings of a text, where they stand in the text.

    `decoded` is what was found. One that stands in several readings is found once.
    """
    found = dict[tuple[str, int, int], Finding]()
    for reading in readings:
        for what, pattern in _INJECTIONS:
            places = islice(pattern.finditer(reading.text), _HITS_MAX)
            edits = [Edit(place.start(), place.end(), place.group(), what) for place in places]
            for each in findings(reading, edits):
                found.setdefault((each.what, each.start, each.end), each)
    return bounded(list(found.values()))
