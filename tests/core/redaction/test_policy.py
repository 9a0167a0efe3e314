import pytest
from tests.core.redaction.fragments import PEM, WHOLE

from jackline.core.errors import DefinitionError
from jackline.core.events import Finding
from jackline.core.guards import ALLOW, Audience, Guard, Verdict, judge
from jackline.core.redaction import KINDS, PII, SECRETS, Policy, Redactor, Rule, secrets_handled
from jackline.core.redaction.stream import STEP

KEY, OTHER = b"one tenant's key", b"another tenant's key"
TEXT = "ann@example.com, 4111 1111 1111 1111, AKIAIOSFODNN7EXAMPLE"


def redact(*rules: Rule, roles: tuple[str, ...] = (), tenant: str = "t") -> str:
    fitted = Redactor(Policy(rules), key=KEY).fit(Audience(tenant, frozenset(roles)))
    return fitted.redact(TEXT)


def test_all_is_redacted_where_nothing_else_is_said() -> None:
    assert Redactor().redact(TEXT) == "[redacted:email], [redacted:card], [redacted:aws-key]"
    assert redact() == Redactor().redact(TEXT)


def test_the_first_rule_that_fits_says_what_becomes_of_a_kind() -> None:
    rules = (Rule("allow", ("email",)), Rule("mask", ("pii",)), Rule("redact"))
    assert redact(*rules) == "ann@example.com, **** **** **** 1111, [redacted:aws-key]"
    assert redact(Rule("mask")) == "a***@example.com, **** **** **** 1111, [redacted:aws-key]"
    assert redact(Rule("allow")) == TEXT


def test_a_rule_holds_for_its_roles_and_tenants() -> None:
    rule = Rule("allow", ("email",), roles=("support",), tenants=("shop",))
    assert "ann@" in redact(rule, roles=("support", "x"), tenant="shop")
    assert "ann@" not in redact(rule, roles=("support",), tenant="bank")
    assert "ann@" not in redact(rule, roles=("x",), tenant="shop")
    assert "ann@" not in redact(rule, tenant="shop")


def test_a_redactor_that_was_fitted_to_nobody_knows_no_roles_and_no_tenant() -> None:
    redactor = Redactor(Policy((Rule("allow", ("email",), roles=("support",)),)))
    support = Audience("shop", frozenset(["support"]))
    assert "ann@" not in redactor.redact(TEXT)
    assert "ann@" in redactor.fit(support).redact(TEXT)
    assert "ann@" not in redactor.fit(support).fit(Audience("shop")).redact(TEXT)
    assert redactor.fit(support) is redactor.fit(Audience("shop", frozenset(["support"])))


def test_tokens_are_the_same_for_the_same_data_under_one_key_and_unlike_under_another() -> None:
    policy = Policy((Rule("tokenise"),))
    one, other = Redactor(policy, key=KEY), Redactor(policy, key=OTHER)
    first, second = one.redact("ann@example.com and ann@example.com").split(" and ")
    assert first == second
    assert first.startswith("[email:")
    assert first != one.redact("bob@example.com")
    assert first != other.redact("ann@example.com")


@pytest.mark.parametrize(
    "define",
    [
        lambda: Rule("hide"),  # pyright: ignore[reportArgumentType] - that is what is wrong with it
        lambda: Rule("mask", ("emails",)),
        lambda: Redactor(Policy((Rule("tokenise"),)), key=b"short"),
        lambda: secrets_handled("", b"short"),
    ],
)
def test_what_is_no_policy_is_refused(define: object) -> None:
    assert callable(define)
    with pytest.raises(DefinitionError):
        define()


def test_the_redactor_is_a_guard_which_says_what_was_where() -> None:
    guard: Guard = Redactor()
    assert guard.judge("output", "Nothing here.") is ALLOW
    verdict = guard.judge("output", TEXT)
    assert verdict == Verdict(
        "redact",
        "it contains aws-key, card, email",
        (Finding("email", 0, 15), Finding("card", 17, 36), Finding("aws-key", 38, 58)),
        "[redacted:email], [redacted:card], [redacted:aws-key]",
    )
    passed, (said,) = judge([guard], "output", TEXT, "r1")
    assert passed == verdict.text
    assert said.decision == "redact"
    assert judge([guard], "input", TEXT, "r1") == (TEXT, ())


def test_each_kind_is_personal_or_secret_and_declares_how_far_it_looks() -> None:
    assert set(KINDS) == PII | SECRETS
    assert not PII & SECRETS
    assert all(kind.longest > 0 and kind.context > 0 for kind in KINDS.values())
    most = max(kind.longest for kind in KINDS.values()) + max(k.context for k in KINDS.values())
    assert Redactor().hold_back == most + STEP


def test_secrets_get_handles_and_personal_data_stays() -> None:
    handled = secrets_handled(f"{TEXT} password: hunter2 {PEM}", KEY)
    email, card, key, password, block = (
        handled.replace(" password: ", ", ", 1)
        .replace(" [secret:private", ", [secret:private")
        .split(", ")
    )
    assert (email, card) == ("ann@example.com", "4111 1111 1111 1111")
    assert key.startswith("[secret:aws-key:")
    assert password.startswith("[secret:password:")
    assert block.startswith("[secret:private-key:")
    assert "hunter2" not in handled
    assert key in secrets_handled("once more AKIAIOSFODNN7EXAMPLE", KEY)
    assert key not in secrets_handled(TEXT, OTHER)


@pytest.mark.parametrize("whole", WHOLE)
def test_a_text_with_handles_is_returned_as_it_is(whole: str) -> None:
    for text in (whole, f"token={whole}", f"password: {whole}", f'"secret": "{whole}"'):
        handled = secrets_handled(text, KEY)
        assert secrets_handled(handled, KEY) == handled
        again = Redactor().redact(handled)
        assert Redactor().redact(again) == again


@pytest.mark.parametrize("whole", WHOLE)
def test_a_handle_is_no_text_in_which_anything_is_found(whole: str) -> None:
    for frame in (
        "https://{}@github.example/acme/app.git",
        "https://ann:{}@h.example",
        "password: [{}]",
        "--token '{}' {}",
    ):
        handled = secrets_handled(frame.replace("{}", whole), KEY)
        assert secrets_handled(handled, KEY) == handled
