"""Where did each argument come from, and may that origin decide this?

Labels say who wrote a text (`labels`, `fields`), tools say what may decide their arguments
(`declared`), a plan says what was wanted before anything was read (`plan`), an index says where
a value stands (`provenance`), and `judge` puts it together. What detectors find plays no part.
"""

from jackline.core.flow.declared import Declared, Readers, ToolFlow, declared_of, flow_of
from jackline.core.flow.extraction import Extraction, Handle, handle_of, holds_handle, opened
from jackline.core.flow.fields import Field, Labels
from jackline.core.flow.judge import FlowVerdict, Origin, Question, judge, recipients
from jackline.core.flow.labels import From, Integrity, Label, endorse, join, suffices, worse
from jackline.core.flow.parts import elements
from jackline.core.flow.plan import Plan, Planned, plan_of, plan_schema, same
from jackline.core.flow.provenance import Provenance, Source
from jackline.core.flow.returned import misnamed

__all__ = [
    "Declared",
    "Extraction",
    "Field",
    "FlowVerdict",
    "From",
    "Handle",
    "Integrity",
    "Label",
    "Labels",
    "Origin",
    "Plan",
    "Planned",
    "Provenance",
    "Question",
    "Readers",
    "Source",
    "ToolFlow",
    "declared_of",
    "elements",
    "endorse",
    "flow_of",
    "handle_of",
    "holds_handle",
    "join",
    "judge",
    "misnamed",
    "opened",
    "plan_of",
    "plan_schema",
    "recipients",
    "same",
    "suffices",
    "worse",
]
