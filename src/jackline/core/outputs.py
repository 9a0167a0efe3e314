"""Typed outputs: what the answer has to be, and whether it is."""

from typing import Any

from jackline.core.errors import DefinitionError
from jackline.core.value import Value

_ERRORS_MAX = 5


class Invalid(Value, frozen=True):
    """The answer is not of its type, and what the model is told of it."""

    text: str


class Output:
    """A pydantic model, dataclass or other type that an answer in JSON must match."""

    def __init__(self, kind_of: Any) -> None:  # a type form: a class, or list[Order] for one
        from pydantic import TypeAdapter  # noqa: PLC0415 - pydantic takes 0.1 s to import
        from pydantic.errors import PydanticUserError  # noqa: PLC0415 - as above

        try:
            self._adapter: TypeAdapter[Any] = TypeAdapter(kind_of)
            self.schema = self._adapter.json_schema()
        except PydanticUserError as error:
            raise DefinitionError(
                f"output={kind_of!r} has no JSON schema: give a pydantic model or a dataclass "
                f"({error.message.splitlines()[0]})."
            ) from None

    def check(self, text: str) -> str | Invalid:
        """Return the answer as JSON, or what is wrong with it."""
        from pydantic import ValidationError  # noqa: PLC0415 - it has been imported

        try:
            return self._adapter.dump_json(self._adapter.validate_json(bare(text))).decode()
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False)[:_ERRORS_MAX]
            lines = [f"{'.'.join(map(str, e['loc'])) or 'answer'}: {e['msg']}" for e in found]
            return Invalid(
                "Your answer does not match the JSON schema that is wanted. "
                + "; ".join(lines)[:1000]
                + ". Answer again, with that JSON alone."
            )

    def load(self, text: str) -> Any:
        """Return the value of an answer that was checked."""
        return self._adapter.validate_json(text)


def bare(text: str) -> str:
    """Return the text without the fence that many models put around JSON."""
    bare = text.strip()
    if bare.startswith("```") and bare.endswith("```") and "\n" in bare:
        return bare[bare.index("\n") + 1 : -3].strip()
    return bare
