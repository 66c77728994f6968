"""The kinds of matter: one row each. A new kind is one class and one row."""

from __future__ import annotations

from services.warning.alert import Alert
from services.warning.callout.ladder import Callout
from services.warning.contact import Contact
from services.warning.duty import Shift
from services.warning.loops.kind import LoopKind
from services.warning.matter import Kind

KINDS: tuple[Kind, ...] = (
    Alert(),
    Callout(),
    Contact(),
    Shift(),
    LoopKind(),
)
