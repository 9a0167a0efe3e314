"""An agent that speaks slowly, for servers that are ended in mid-stream."""

from tests.kill.processes import passed

from jackline.core.agent import Agent
from jackline.testing.model import Pace, ScriptedModel

MANY = " ".join(f"word{number:03}" for number in range(400))
SOME = MANY[:1_200]
SLOWLY = Pace(8, delta_delay_s=0.01, sleep=passed)
here = Agent(
    "counter",
    ScriptedModel({"count": [MANY], "some": [SOME], "hello": ["Hello."]}, pace=SLOWLY),
    version="1",
)
