"""What a test of the agent needs: `jackline crashtest scenario:refund_an_order` kills it.

`jackline redteam scenario:refund_an_order` attacks it with a model that obeys whatever it reads.
"""

from jackline import ToolCall
from jackline.cli.project.agent import Shop, support
from jackline.testing import scenario


@scenario(
    agent=support,
    input="Please refund order 7.",
    replies=[
        [ToolCall("find_order", '{"order_id": "7"}')],
        [ToolCall("refund", '{"order_id": "7", "cents": 1250}')],
        "Done: $12.50 are on their way.",
    ],
)
def refund_an_order() -> Shop:
    """Give the tools a shop of their own: a test never touches production's."""
    return Shop()
