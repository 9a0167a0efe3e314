"""A bank account, files, and the user's own data.

Who gets money is critical. How much is not something that an origin can make right: that is for
limits and approvals. All that stands in a transfer is its sender's, the date included, which
the tool takes as text; the bank itself says its number alone.
"""

from benchmarks.security.policies.declaration import READ, Tool
from jackline.core.flow import Declared, From

_TRANSACTIONS = Tool("read", Declared(labels={"id": "system"}))
_PAID = Declared(critical={"recipient": From("user")}, readers_from=("recipient",))

TOOLS = {
    "get_iban": Tool("read", Declared(labels={"*": "system"})),
    "send_money": Tool("once", _PAID),
    "schedule_transaction": Tool("once", _PAID),
    "update_scheduled_transaction": Tool(
        "idempotent",
        Declared(
            critical={"id": From("system"), "recipient": From("user")},
            readers_from=("recipient",),
        ),
    ),
    "get_balance": Tool("read", Declared(labels={"*": "system"})),
    "get_most_recent_transactions": _TRANSACTIONS,
    "get_scheduled_transactions": _TRANSACTIONS,
    "read_file": READ,
    "get_user_info": READ,
    "update_password": Tool("idempotent"),
    "update_user_info": Tool("idempotent"),
}
