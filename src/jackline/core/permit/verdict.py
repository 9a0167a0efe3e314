"""May this call be made? What user, agent, tool and operators say of it, together."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from jackline.core.events import Principal
from jackline.core.permit.rules import Bounds, Request
from jackline.core.results import explained
from jackline.core.tools import ArgumentsError, Tool
from jackline.core.value import Value, replace

_LISTED_MAX = 12
_WITHOUT_A_WORD = "not with these arguments"


class Rights(Value, frozen=True, gc=True):
    """What may be done for a user through an agent: those of user, agent and tools together.

    `bounds` are what operators say. With a `parent` a call has to be within its rights, too.
    """

    tools: Mapping[str, Tool]
    principal: Principal
    bounds: Bounds | None = None
    parent: "Rights | None" = None


class Ruling(Value, frozen=True):
    """What becomes of a call, and why: `text` is for the model, or for the person who is asked.

    `by` are the rules that refuse or ask, `rules` all that had a say where none refuses: the tool's
    own, and those of operators with their policy. `is_own`: no word of a refusal is its author's.
    """

    decision: Literal["allow", "ask", "refuse"] = "allow"
    text: str = ""
    code: str = ""
    by: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    is_own: bool = True


_ALLOWED = Ruling()


def attenuate(parent: Rights, child: Rights) -> Rights:
    """Return the child's rights within its parent's: it never may what its parent may not.

    A call is then judged by both, each with its own tool of that name.
    """
    above = child.parent
    return replace(child, parent=parent if above is None else attenuate(parent, above))


def barred(rights: Rights, name: str) -> Ruling | None:
    """Return why this user may not use a tool at all, whatever its arguments. None: they may."""
    found = None if _is_free(rights, name) else _bar(rights, name)
    if found is None:
        return None
    return replace(found, text=f"{found.text} {_instead(rights)}")


def _is_free(rights: Rights, name: str) -> bool:
    """Whether nobody says anything of the tool: so most calls are allowed in no time."""
    if rights.bounds is not None or rights.parent is not None:
        return False
    tool = rights.tools.get(name)
    return tool is not None and not tool.roles and tool.allow is None and tool.approve is False


def _bar(rights: Rights, name: str) -> Ruling | None:
    tool, roles = rights.tools.get(name), rights.principal.roles
    if tool is None:
        return Ruling("refuse", f"{name} is not yours to use.", "forbidden", ("agent.tools",))
    denied = f"The user may not use {name}"
    if not tool.permits(rights.principal):
        return Ruling("refuse", f"{denied}.", "forbidden", ("tool.roles",))
    bounds = rights.bounds
    for rule in bounds.of(name) if bounds else ():
        assert bounds is not None, "there is one, or there are no rules"
        if rule.deny is not None:
            said = f": {rule.deny}" if rule.deny else ", by the operator's policy."
            return Ruling("refuse", denied + said, "policy", (bounds.named(rule),))
        if rule.require_roles and rule.require_roles.isdisjoint(roles):
            return Ruling("refuse", f"{denied}.", "policy", (bounds.named(rule),))
    return _bar(rights.parent, name) if rights.parent else None


def _instead(rights: Rights) -> str:
    """Return what the model may do instead, and nothing of who else may."""
    open_to = [name for name in rights.tools if _bar(rights, name) is None]
    if not open_to:
        return "None of your tools is theirs to use: tell them what you cannot do."
    more = " and others" if len(open_to) > _LISTED_MAX else ""
    listed = ", ".join(open_to[:_LISTED_MAX])
    return f"For them you may use: {listed}{more}. Or tell them what you cannot do."


def judge(rights: Rights, name: str, arguments: str) -> Ruling:
    """Return whether this call may be made, with canonical arguments, and by which rules.

    What fails while it judges refuses, but for a tool's `approve`, which then asks a person.
    """
    if _is_free(rights, name):
        return _ALLOWED
    if refused := barred(rights, name):
        return refused
    tool, bounds = rights.tools[name], rights.bounds
    own = _of_tool(tool, arguments)
    if bounds is None or own.decision == "refuse":
        found = own
    else:
        found = _together(own, _of_operators(rights, bounds, tool, arguments))
    if rights.parent is None or found.decision == "refuse":
        return found
    return _together(found, _of_parent(rights.parent, name, arguments))


def _of_tool(tool: Tool, arguments: str) -> Ruling:
    """Return what the tool's own predicates say."""
    if not tool.roles and tool.allow is None and tool.approve is False:
        return _ALLOWED
    if why := _disallowed(tool, arguments):
        is_own = why == _denied(tool.name, _WITHOUT_A_WORD)
        text = f"Not made: {why}"
        return Ruling("refuse", text, "disallowed", ("tool.allow",), is_own=is_own)
    rules = ("tool.roles",) if tool.roles else ()
    rules += ("tool.allow",) if tool.allow else ()
    rules += ("tool.approve",) if tool.approve is not False else ()
    if asks := tool.asks(arguments):
        return Ruling("ask", asks, by=("tool.approve",), rules=rules)
    return Ruling(rules=rules)


def _disallowed(tool: Tool, arguments: str) -> str:
    """Return why the tool's own predicate does not allow these arguments, or nothing."""
    if tool.allow is None:
        return ""
    try:
        said = tool.allow(tool.bind(arguments))
    except Exception as error:  # noqa: BLE001 - whatever keeps the predicate from answering closes the tool
        return f"the allow predicate of {tool.name} failed, {type(error).__name__}."
    if said is True:
        return ""
    return _denied(tool.name, said if isinstance(said, str) and said else _WITHOUT_A_WORD)


def _denied(tool: str, why: str) -> str:
    return f"{tool} is not allowed here: {why}. Call it otherwise, or ask the user."


def _of_operators(rights: Rights, bounds: Bounds, tool: Tool, arguments: str) -> Ruling:
    """Return what the operators' rules and their authority say."""
    rules = bounds.of(tool.name)
    names = tuple([bounds.named(rule) for rule in rules])
    if bounds.authority is not None:
        if refused := _refused(rights, bounds, tool, arguments):
            text = f"The operator's policy refuses this call of {tool.name}; with other arguments "
            text += f"it may not. {_instead(rights)}"
            return Ruling("refuse", text, "policy", (refused,))
        names += (f"cedar/{bounds.authority.digest}",)
    asking = [rule for rule in rules if rule.approve is not None]
    if not asking:
        return Ruling(rules=names)
    why = "; ".join(dict.fromkeys([rule.approve for rule in asking if rule.approve]))
    text = f"{tool.name} needs approval by the operator's policy"
    by = tuple([bounds.named(rule) for rule in asking])
    return Ruling("ask", f"{text}: {why}" if why else text, by=by, rules=names)


def _refused(rights: Rights, bounds: Bounds, tool: Tool, arguments: str) -> str:
    """Return by which rule the authority refuses the call, or why it could not judge."""
    authority, user = bounds.authority, rights.principal
    assert authority is not None, "only where there is one"
    name = f"cedar/{authority.digest}"
    try:
        values: dict[str, Any] = msgspec.json.decode(arguments, type=dict[str, Any])
        request = Request(user.user, user.roles, bounds.tenant, bounds.agent, tool.name, values)
        rule = authority.refuses(request)
    except Exception as error:  # noqa: BLE001 - whatever keeps it from answering, nobody may go on
        return f"{name}/not judged, {explained(error)}"
    return rule and f"{name}/{rule}"


def _of_parent(parent: Rights, name: str, arguments: str) -> Ruling:
    """Return what the parent's rights make of its child's call, by its own tool of that name."""
    try:
        return judge(parent, name, parent.tools[name].check(arguments))
    except ArgumentsError as error:
        return Ruling("refuse", error.text, error.code, ("agent.tools",), is_own=error.is_own)


def _together(one: Ruling, other: Ruling) -> Ruling:
    """Return the stricter of two, with all rules that had a say and all that has to be asked."""
    if other.decision == "refuse":
        return other
    text = "; ".join(dict.fromkeys(filter(None, (one.text, other.text))))
    by = tuple(dict.fromkeys((*one.by, *other.by)))
    rules = tuple(dict.fromkeys((*one.rules, *other.rules)))
    return Ruling("ask" if by else "allow", text, by=by, rules=rules)
