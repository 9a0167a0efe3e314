"""What all data of the core is made of: immutable values that cost little to make and to copy.

A `msgspec.Struct` is made in 0.05 µs where a frozen dataclass takes 0.9, is copied with a change
in 0.06 µs where `dataclasses.replace` takes 2.1, and its unions can be told apart on the wire
(see docs/decisions/0001-values-are-structs.md). Nothing but `codec` turns one into bytes.
"""

import msgspec

replace = msgspec.structs.replace


class Value(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """An immutable value. Two of the same fields are equal.

    It is made of values alone, so it is never part of a cycle, and Python's collector does not
    look at it: with a thousand sessions that was a quarter of all work. What holds a function, an
    error or anything else that changes says `gc=True`.
    """
