"""An agent that speaks slowly, for servers that are ended in mid-stream."""

from tests.kill.processes import passed

from jackline.core.agent import Agent
from jackline.testing.model import Pace, ScriptedModel

ANSWER = " ".join(f"word{number:03}" for number in range(400))
SLOWLY = Pace(8, delta_delay_s=0.01, sleep=passed)
here = Agent(
    "counter",
    ScriptedModel({"count": [ANSWER], "hello": ["Hello."]}, pace=SLOWLY),
    version="1",
)
