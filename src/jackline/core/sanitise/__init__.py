"""Text of others: what of it may travel on, and what it says to somebody who looks closely.

`clean` is what travels on, `view` is for detectors, `scan` finds known injections in a view,
`clean_value` cleans structured values, and `Sanitiser` is the guard that does it all.
"""

from jackline.core.sanitise.cleaning import Cleaned, clean
from jackline.core.sanitise.guard import Sanitiser
from jackline.core.sanitise.injections import scan
from jackline.core.sanitise.reading import Reading
from jackline.core.sanitise.values import CleanedValue, clean_value
from jackline.core.sanitise.viewing import View, view

__all__ = [
    "Cleaned",
    "CleanedValue",
    "Reading",
    "Sanitiser",
    "View",
    "clean",
    "clean_value",
    "scan",
    "view",
]
