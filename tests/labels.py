"""What tools declare in tests that are not about where a call's arguments came from."""

from collections.abc import Mapping

from jackline.core.flow import Integrity

# Their results are their own words, so that nothing untrusted is ever read.
OWN: Mapping[str, Integrity] = {"*": "system"}
