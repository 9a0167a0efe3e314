"""What roles may do, and what roles of one's own include."""

import pytest

from jackline.core.access import RIGHTS, ROLES, check_table, expanded, rights
from jackline.core.errors import DefinitionError
from jackline.core.user import User


def test_every_right_is_given_by_some_role_and_all_of_them_by_admin() -> None:
    assert rights(["admin"]) == frozenset(RIGHTS)
    assert rights(ROLES) == frozenset(RIGHTS)


def test_a_role_of_a_tool_gives_no_right_unless_the_table_says_so() -> None:
    assert rights(["support"]) == frozenset()
    table = {"support": ("user", "approver"), "boss": ("admin",)}
    held = expanded(["support", "clerk"], table)
    assert held == {"support", "clerk", "user", "approver"}
    assert rights(held) == {"say", "see", "answer"}


def test_a_key_narrows_what_roles_may_and_never_widens_it() -> None:
    everything, narrowed = User("ann", roles=["approver"]), User("ann", roles=["approver"])
    assert everything.may("answer")
    narrowed = User("ann", roles=["approver"], scopes=["see", "administer"])
    assert narrowed.may("see")
    assert not narrowed.may("answer"), "it is not among the key's scopes"
    assert not narrowed.may("administer"), "no role gives it"
    assert not User("ann", roles=["admin"], scopes=()).may("see"), "no scope is no right"


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"boss": ["amdin"]}, "'boss' includes 'amdin', which is no role: did you mean 'admin'?"),
        ({"boss": ["q"]}, "which is no role: there are viewer, user, approver, operator, admin."),
        ({"boss": ["clerk"], "clerk": ["user"]}, "'boss' includes 'clerk', which is no role"),
        ({"user": ["admin"]}, "'user' is a role that jackline has"),
    ],
)
def test_a_table_that_names_what_is_not_there_is_refused(
    table: dict[str, list[str]], told: str
) -> None:
    with pytest.raises(DefinitionError) as raised:
        check_table(table)
    assert told in str(raised.value)


def test_a_table_of_roles_that_there_are_is_taken() -> None:
    check_table({"boss": ["admin"], "desk": ["user", "viewer"], "guest": []})
