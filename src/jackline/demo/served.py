"""The demo's shop as a service, in the folder that a run of the demo has left.

`cd jackline-demo && jackline serve jackline.demo.served:shop --store sqlite:///jackline.db`
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from jackline import App, User
from jackline.demo.agent import assistant
from jackline.demo.bank import banking
from jackline.demo.payments import Payments
from jackline.demo.script import pretended_model
from jackline.demo.shop import Shop, open_shop


@asynccontextmanager
async def in_the_shop(_: User) -> AsyncGenerator[Shop]:
    """Give the shop of this folder, and its bank for as long as a drive takes."""
    with banking(Path("payments.jsonl")) as port:
        yield open_shop(Path("shop"), Payments(port))


shop = App([assistant(pretended_model())], in_the_shop)
