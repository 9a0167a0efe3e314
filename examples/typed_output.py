"""An answer with a type: what does not match goes back to the model, within limits."""

import asyncio

from pydantic import BaseModel, Field

from jackline import Agent, Runtime
from jackline.testing import ScriptedModel


class Invoice(BaseModel):
    """What we want to know of a letter."""

    number: str
    cents: int = Field(gt=0)


# The first answer does not match, so the model is told why and asked again.
# For a real model: model="openai:gpt-5.4-mini", with OPENAI_API_KEY set.
model = ScriptedModel(['{"number": "A-17"}', '{"number": "A-17", "cents": 4200}'])
reader = Agent("reader", model=model, instructions="Read invoices.", output=Invoice)


async def main() -> None:
    """Read an invoice."""
    async with Runtime([reader], store="memory://") as runtime:
        result = await runtime.run("reader", "Invoice A-17: please pay 42 dollars.")
        invoice = result.output
        assert isinstance(invoice, Invoice)
        print(invoice.number, invoice.cents)


if __name__ == "__main__":
    asyncio.run(main())
