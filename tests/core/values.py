"""Hypothesis strategies for any value of the core, read off its types."""

from collections.abc import Mapping
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import msgspec
from hypothesis import strategies as st

LEAVES: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(max_size=8),
    int: st.integers(-(2**60), 2**60),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    type(None): st.none(),
}


def values(kind: Any) -> st.SearchStrategy[Any]:
    """Return a strategy for the type: a struct, or what the fields of structs are made of."""
    if kind in LEAVES:
        return LEAVES[kind]
    origin, args = get_origin(kind), get_args(kind)
    if origin is Literal:
        return st.sampled_from(args)
    if origin in {Union, UnionType}:
        return st.one_of(*(values(each) for each in args))
    if origin is tuple and args[-1] is not ...:
        return st.tuples(*(values(each) for each in args))
    if origin is tuple:
        return st.lists(values(args[0]), max_size=2).map(tuple)
    if origin is frozenset:
        return st.frozensets(values(args[0]), max_size=2)
    if origin is Mapping:
        return st.dictionaries(values(args[0]), values(args[1]), max_size=2)
    assert issubclass(kind, msgspec.Struct), kind
    fields = {field.encode_name: values(field.type) for field in msgspec.structs.fields(kind)}
    return st.builds(kind, **fields)
