import functools
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import IO, Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, SecretStr

from jackline.core.breaker import Breaker
from jackline.core.errors import DefinitionError, ToolError
from jackline.core.events import Principal, SessionId
from jackline.core.rates import Quota, Rate
from jackline.core.tools import ArgumentsError, Context, Tool, digest, effect_key, tool


class Shop:
    pass


class Size(Enum):
    SMALL = "s"
    LARGE = "l"


@dataclass
class Address:
    street: str
    zip: str = ""


class Line(BaseModel):
    item: str
    count: int = 1


@tool(effect="once", approve=True, roles={"support"}, timeout_s=10, rate="30/min")
async def refund(ctx: Context[Shop], order_id: str, cents: int, note: str = "") -> str:  # noqa: D417 - not every argument has to be described
    """Refund an order.

    Only once for each order.

    Args:
        ctx: The call.
        order_id: The order
            to refund.
        cents (int): How much: in cents.

    Returns:
        note: This is no argument.
    """
    return f"{order_id} {cents} {note} {ctx.call_key}"


@tool(effect="read")
def ship(
    to: Address, lines: list[Line], size: Size, speed: Literal["slow", "fast"] = "slow"
) -> str:
    return f"{to} {lines} {size} {speed}"


def context(database: object = None, **changes: Any) -> Context[Shop]:
    given: dict[str, Any] = {"call_key": "turn/1/model/0/tool/0", "database": database} | changes
    return Context(Shop(), Principal("u1"), SessionId("t1", "s1"), **given)


def test_a_tool_says_what_its_signature_and_docstring_say() -> None:
    assert refund.name == "refund"
    assert refund.description == "Refund an order.\n\nOnly once for each order."
    assert refund.parameters == {
        "type": "object",
        "additionalProperties": False,
        "required": ["order_id", "cents"],
        "properties": {
            "order_id": {"type": "string", "description": "The order to refund."},
            "cents": {"type": "integer", "description": "How much: in cents."},
            "note": {"type": "string", "default": ""},
        },
    }


def test_a_tool_keeps_what_it_was_told() -> None:
    assert (refund.effect, refund.is_async, refund.takes_context) == ("once", True, True)
    assert (refund.roles, refund.rate) == (frozenset({"support"}), Quota(30, 60.0))
    assert (refund.timeout_s, refund.retries, refund.breaker) == (10, 0, Breaker())
    assert (ship.is_async, ship.takes_context, ship.retries) == (False, False, 2)
    limited = tool(effect="read", rate=Rate(requests_per_minute=3), name="find-it")(f)
    assert (limited.rate, limited.name) == (Quota(3), "find-it")
    assert tool(effect="read", rate=Quota(2, 1), breaker=None)(f).breaker is None


def test_a_tool_can_be_called_as_the_function_that_it_is() -> None:
    assert tool(effect="read")(f)(3) == 3


def test_a_description_given_with_the_type_goes_before_the_docstring() -> None:
    def find(query: Annotated[str, Field(description="mine")]) -> str:
        """Find.

        Args:
            what follows is not all that there is to say
            query: theirs
        """
        return query

    assert tool(effect="read")(find).parameters["properties"]["query"]["description"] == "mine"


def test_a_default_that_is_no_json_is_not_shown() -> None:
    def find(where: Address = Address("here"), of: Any = Shop) -> str:  # noqa: B008 - never changed
        return f"{where} {of}"

    shown = tool(effect="read")(find).parameters["properties"]
    assert shown["where"]["default"] == {"street": "here", "zip": ""}
    assert "default" not in shown["of"]


def test_a_model_gets_nested_types_as_schema_and_the_function_gets_them_as_values() -> None:
    text = '{"to": {"street": "a"}, "lines": [{"item": "x"}], "size": "l"}'
    assert ship.bind(ship.check(text)) == {
        "to": Address("a"),
        "lines": [Line(item="x")],
        "size": Size.LARGE,
        "speed": "slow",
    }
    assert ship.parameters["properties"]["speed"]["enum"] == ["slow", "fast"]


def f(x: int = 1) -> int:
    return x


async def g(x: int = 1) -> int:
    return x


def other(y: int) -> int:
    return y


def yields(x: int) -> Any:
    yield x


NAMELESS: Callable[[int], int] = lambda x: x  # noqa: E731 - a lambda has no name


def defined(source: str) -> Callable[..., Any]:
    """Return the function of a source that no type checker would let through."""
    names: dict[str, Any] = {"IO": IO, "Callable": Callable, "Shop": Shop, "Context": Context}
    exec(f"def find({source}): ...", names)  # noqa: S102 - a constant of this file
    return names["find"]


WANTS_EFFECT = 'say what f does: effect="read", "idempotent", "once" or "transactional"'


def test_a_tool_without_an_effect_is_told_to_say_what_it_does() -> None:
    make: Any = tool
    for attempt in (lambda: make(f), lambda: make()(f), lambda: make(effect="write")(f)):
        with pytest.raises(DefinitionError) as error:
            attempt()
        assert str(error.value) == WANTS_EFFECT


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("x", "find: x has no type; write for example x: str."),
        ("*x: int", "find: x takes any number of arguments, which no model can be told"),
        ("**x: int", "find: x takes arguments of any name, which no model can be told"),
        ("x: int, /", "find: x is positional-only"),
        ("x: IO[str]", "find: x is of type IO, which no model can write as JSON"),
        ("x: Callable[[int], int]", "find: x is of type Callable"),
        ("x: type[int]", "find: x is of type type, which no model can write as JSON"),
        ("x: Shop", "find: x is of type Shop"),
        ("x: 'Nowhere'", "The types of find cannot be read: name 'Nowhere' is not defined."),
        ("größe: int", "find: 'größe' is no name for a parameter"),
        ("ctx, x: int", "find: ctx has no type; write ctx: Context"),
        ("x: int, ctx: Context[Shop]", "find: ctx is a Context; only the first parameter may be."),
        ("a: Context, b: Context", "find: b is a Context; only the first parameter may be."),
        ("*, ctx: Context", "find: ctx is passed by position; put it before the *."),
    ],
)
def test_a_parameter_that_no_model_could_fill_is_named(source: str, sentence: str) -> None:
    with pytest.raises(DefinitionError) as error:
        tool(effect="read")(defined(source))
    assert str(error.value).startswith(sentence)


@pytest.mark.parametrize("alias", ["alias", "validation_alias", "serialization_alias"])
def test_a_parameter_with_two_names_is_named(alias: str) -> None:
    told: dict[str, Any] = {alias: "item"}

    def find(text: Annotated[str, Field(**told)]) -> str:
        return text

    with pytest.raises(DefinitionError) as error:
        tool(effect="read")(find)
    assert str(error.value) == (
        "find: text has an alias, and a model writes arguments by their own names; "
        "take the alias away and call text what the model is to write."
    )


@pytest.mark.parametrize(
    ("function", "options", "sentence"),
    [
        (f, {"retry": 3}, "f: tools have no option 'retry', but effect, name, approve"),
        (f, {"timeout_s": -1}, "f: timeout_s is -1; say a number of at least 0.001."),
        (f, {"timeout_s": float("nan")}, "f: timeout_s is nan"),
        (f, {"timeout_s": True}, "f: timeout_s is True"),
        (f, {"timeout_s": None}, "f: timeout_s is None"),
        (f, {"retries": -1}, "f: retries is -1; say a number of at least 0."),
        (f, {"retries": 1.5}, "f: retries is 1.5"),
        (f, {"concurrency": 0}, "f: concurrency is 0; say a number of at least 1."),
        (f, {"result_bytes": 10}, "f: result_bytes is 10; say a number of at least 1024."),
        (f, {"rate": "often"}, "f: 'often' is no rate; write for example '30/min'"),
        (f, {"rate": "0/min"}, "f: 0 in 60 s is no rate"),
        (f, {"rate": 3}, "f: 3 is no rate for a tool"),
        (f, {"rate": Rate(tokens_per_minute=3)}, "f: Rate("),
        (f, {"breaker": True}, "f: breaker wants a Breaker(…), or None for none."),
        (f, {"version": 3}, "f: version wants a str."),
        (f, {"roles": "support"}, "f: roles wants a set of names"),
        (f, {"roles": {3}}, "f: roles wants a set of names"),
        (f, {"approve": "yes"}, "f: approve wants True, False or a def"),
        (f, {"approve": g}, "f: approve wants True, False or a def"),
        (f, {"name": "a b"}, "'a b' is no name for a tool; use at most 64 ASCII letters"),
        (f, {"name": "x" * 65}, "'xxx"),
        (f, {"effect": "once", "retries": 1}, 'f: retries are for effect="read" and "idempotent"'),
        (f, {"reconcile": f}, "f: reconcile is for effect=\"once\", not 'read'."),
        (f, {"effect": "once", "reconcile": 3}, "f: reconcile wants a function."),
        (f, {"effect": "once", "reconcile": other}, "f: reconcile has to take what f takes: (x)."),
        (g, {"effect": "transactional"}, "g is transactional, and runs inside a commit: write def"),
        (f, {"effect": "transactional", "timeout_s": 3}, "f: timeout_s means nothing inside a"),
        (g, {"workers": 3}, "g: workers are threads, and an async function uses none"),
        (NAMELESS, {}, "'<lambda>' is no name for a tool"),
        (Shop, {}, "Shop: a tool is made of a function written with def."),
        (len, {}, "len: a tool is made of a function written with def."),
        (functools.partial(f), {}, "partial: a tool is made of a function"),
        (yields, {}, "yields yields; a tool returns one result."),
    ],
)
def test_an_option_that_nothing_could_enforce_is_refused(
    function: Any, options: Any, sentence: str
) -> None:
    with pytest.raises(DefinitionError) as error:
        tool(**({"effect": "read"} | options))(function)
    assert str(error.value).startswith(sentence)
    assert "\n" not in str(error.value)


def test_arguments_of_one_meaning_have_one_text() -> None:
    one = refund.check('{ "order_id": "7",\n "cents": 100 }')
    assert one == refund.check(r'{"cents":100,"order_id":"\u0037"}')
    assert one == '{"cents":100,"note":"","order_id":"7"}'
    assert tool(effect="read")(defined("")).check(" ") == "{}"
    assert tool(effect="read")(defined("")).bind(" ") == {}


PAYS = tool(effect="once")(
    defined("order: int, cents: int = 100, note: 'str | None' = None, tags: set[str] = set()")
)


@pytest.mark.parametrize(
    "text",
    [
        '{"order":"7","cents":100}',
        '{"order":7.0,"tags":[]}',
        '{"order":7,"note":null}',
        '{"order":" 7 ","cents":1e2}',
    ],
)
def test_a_call_has_one_text_however_its_values_are_written(text: str) -> None:
    assert PAYS.check(text) == PAYS.check('{"order":7}') != PAYS.check('{"order":8}')
    assert PAYS.check('{"order":7}') == '{"cents":100,"note":null,"order":7,"tags":[]}'


NUMBERS = st.integers(0, 3).flatmap(lambda n: st.sampled_from([n, str(n), float(n)]))
PAYMENTS = st.fixed_dictionaries(
    {"order": NUMBERS},
    optional={
        "cents": NUMBERS | st.just(100),
        "note": st.sampled_from([None, "", "a"]),
        "tags": st.lists(st.sampled_from(["a", "b", "c"])),
    },
)
UNSAID: dict[str, object] = {"cents": 100, "note": None, "tags": set[str]()}


@given(PAYMENTS, PAYMENTS)
def test_calls_that_are_equal_to_the_tool_have_one_text(one: Any, other: Any) -> None:
    texts = [json.dumps(one), json.dumps(other)]
    values = [UNSAID | PAYS.bind(text) for text in texts]
    checked = [PAYS.check(text) for text in texts]
    assert (values[0] == values[1]) == (checked[0] == checked[1])
    assert [UNSAID | PAYS.bind(text) for text in checked] == values
    assert [PAYS.check(text) for text in checked] == checked


def test_what_json_cannot_give_back_stays_as_the_model_wrote_it() -> None:
    def login(key: SecretStr, at: float = 1) -> str:
        """Log in."""
        return f"{key} {at}"

    secret = tool(effect="once")(login)
    assert secret.check('{"key": "k", "at": "2"}') == '{"at":"2","key":"k"}'
    numbers = tool(effect="once")(defined("a: float"))
    assert numbers.check('{"a": "inf"}') == '{"a":"inf"}'
    lacking = tool(effect="once")(defined("a: int = None"))
    assert lacking.check("{}") == "{}"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "order_id is missing. cents is missing."),
        ("{", "The arguments are no JSON: Input data was truncated."),
        ("[1]", "The arguments must be one JSON object, not [1]."),
        ('{"order_id": "1", "cents": "x"}', "cents: input should be a valid integer"),
        ('{"order_id": "1", "cents": 1, "no": 1}', "There is no argument 'no': it takes order_id,"),
        ('{"order_id": "1", "order_id": "2", "cents": 1}', "'order_id' is given twice."),
        (r'{"order_id": "\u0022\u0022", "cents": 1, "cents": 1}', "'cents' is given twice."),
        ('{"order_id": "1", "cents": NaN}', "The arguments are no JSON: invalid character"),
        ('{"order_id": "1", "cents": 1e999}', "The arguments are no JSON: Number out of range"),
        ('{"order_id": "\\ud800", "cents": 1}', "The arguments are no JSON:"),
        ('{"order_id": "\ud800", "cents": 1}', "The arguments are no JSON: half of a surrogate"),
        ('{"a":' * 65 + "1" + "}" * 65, "The arguments are nested more than 64 levels deep."),
        ('{"a":' * 9999, "The arguments are nested more than 64 levels deep."),
        ('{"order_id": "' + "x" * (1 << 20) + '"}', "The arguments are 1,048,592 characters long"),
    ],
)
def test_a_model_is_told_what_is_wrong_with_its_arguments(text: str, sentence: str) -> None:
    with pytest.raises(ArgumentsError) as error:
        refund.check(text)
    assert error.value.text.startswith(sentence)
    assert isinstance(error.value, ToolError)


def test_what_a_model_is_told_is_short_however_much_is_wrong() -> None:
    text = json.dumps({f"{i:050}": "y" * 10_000 for i in range(100)})
    with pytest.raises(ArgumentsError) as error:
        refund.check(text)
    assert len(error.value.text) <= 1000
    assert error.value.text.endswith("97 more.")
    with pytest.raises(ArgumentsError) as error:
        refund.check(json.dumps({"x" * 5000: 1}))
    assert len(error.value.text) <= 1000


def test_64_levels_are_not_too_deep_and_many_flat_values_are_none() -> None:
    anything = tool(effect="read")(defined("a: list | dict"))
    assert anything.check('{"a":' + "[" * 63 + "]" * 63 + "}")
    assert anything.check(json.dumps({"a": [[] for _ in range(1000)]}))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=12,
)
ANY = tool(effect="read")(defined("a: object"))


@given(JSON, st.booleans())
def test_a_canonical_text_says_the_same_and_is_its_own(value: Any, ascii: bool) -> None:  # noqa: A002, FBT001 - as json calls it
    canonical = ANY.check(json.dumps({"a": value}, ensure_ascii=ascii))
    assert json.loads(canonical) == {"a": value}
    assert ANY.check(canonical) == canonical
    assert ANY.bind(canonical) == {"a": value}


@given(st.text(alphabet='{}[]":,\\ab1 \ud800'))
def test_whatever_a_model_writes_is_checked_or_refused(text: str) -> None:
    try:
        canonical = ANY.check(text)
    except ArgumentsError:
        return
    assert json.loads(canonical).keys() == {"a"}


def test_a_person_is_asked_where_the_predicate_says_so_or_breaks_and_learns_which() -> None:
    def dear(arguments: dict[str, Any]) -> bool:
        return 100 // arguments["x"] < 10

    picky = tool(effect="read", name="pay", approve=dear)(f)
    assert [picky.asks('{"x":11}'), picky.asks('{"x":"9"}'), picky.asks('{"x":0}')] == [
        "pay needs approval",
        "",
        "pay needs approval: its approve predicate failed with ZeroDivisionError",
    ]
    assert refund.asks("{}") == "refund needs approval"
    assert not ship.asks("{}")


def test_any_one_role_is_enough_and_no_role_permits_everybody() -> None:
    two = tool(effect="read", roles={"a", "b"})(f)
    assert two.permits(Principal("u", frozenset({"b", "c"})))
    assert not two.permits(Principal("u", frozenset({"c"})))
    assert ship.permits(Principal("u"))


def test_only_what_is_done_once_may_not_be_repeated() -> None:
    made = [tool(effect=effect)(f) for effect in ("read", "idempotent", "once", "transactional")]
    assert [each.repeatable for each in made] == [True, True, False, True]


def test_a_version_is_given_or_changes_with_name_schema_and_effect() -> None:
    def make(**options: Any) -> Tool:
        given: dict[str, Any] = {"effect": "read"} | options
        return tool(**given)(f)

    versions = {make().version, make(effect="once").version, make(name="h").version, ship.version}
    assert len(versions) == 4
    assert make().version == make(timeout_s=3).version
    assert make(version="2").version == "2"


def test_an_effect_key_is_the_same_for_each_attempt_and_for_no_other_call() -> None:
    again = context(attempt=2)
    assert (
        context().effect_key
        == again.effect_key
        == effect_key(SessionId("t1", "s1"), 0.0, again.call_key)
    )
    assert len(again.effect_key) == 32
    keys = [
        effect_key(SessionId("t1", "s1"), 0.0, "x"),
        effect_key(SessionId("t1", "s"), 0.0, "1x"),
        effect_key(SessionId("t1", "s1"), 1.0, "x"),
    ]
    assert len(set(keys)) == 3


def test_a_digest_tells_calls_users_roles_and_versions_apart() -> None:
    user = Principal("u", frozenset({"a", "b"}))
    digests = {
        digest("f", "{}", user, "1"),
        digest("f", "{}", user, "2"),
        digest("f", '{"x":1}', user, "1"),
        digest("g", "{}", user, "1"),
        digest("f", "{}", Principal("v", user.roles), "1"),
        digest("f", "{}", Principal("u", frozenset({"a"})), "1"),
    }
    assert len(digests) == 6
    assert digest("f", "{}", Principal("u", frozenset({"b", "a"})), "1") in digests


def test_a_context_reports_to_whoever_listens() -> None:
    said: list[tuple[str, float | None]] = []

    def hear(text: str, fraction: float | None) -> None:
        said.append((text, fraction))

    context(reporter=hear).report("half", 0.5)
    context().report("nobody hears this")
    assert said == [("half", 0.5)]


def test_only_a_transactional_tool_has_a_connection() -> None:
    database = io.StringIO()
    assert context(database).connection is database
    with pytest.raises(DefinitionError, match='effect="transactional"'):
        _ = context().connection
