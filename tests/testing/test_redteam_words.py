"""Which arguments an attacker fills with mere words."""

import json

from jackline import From, endorse, tool
from jackline.testing.redteam.attacks import written
from jackline.testing.redteam.known import Known


def test_words_are_written_where_anybody_may_decide_them_and_nowhere_else() -> None:
    critical = {"folder": From("system"), "body": endorse("only we read it")}

    @tool(effect="once", critical=critical)
    def keep(folder: str, body: str) -> None:
        """Keep a note."""

    kept = {"folder": "f-7", "body": "All is well."}
    attack = written(keep, Known({"keep": [kept]}, "Keep that.", ()), "Obey me.")
    assert attack
    assert json.loads(attack.arguments) == {"folder": "f-7", "body": "Obey me."}
