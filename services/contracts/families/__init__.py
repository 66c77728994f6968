"""The register of event types: one module per family, one class per type, all listed here."""

from __future__ import annotations

from services.contracts.event import Data, Type
from services.contracts.families import hazard
from services.contracts.fields import FieldSpec, compile_fields

CLASSES: tuple[type[Data], ...] = (*hazard.TYPES,)

TYPES: dict[str, Type] = {cls.about.name: cls.about for cls in CLASSES}
CLASS_OF: dict[str, type[Data]] = {cls.about.name: cls for cls in CLASSES}
FIELDS: dict[str, dict[str, FieldSpec]] = {
    cls.about.name: {spec.name: spec for spec in compile_fields(cls)} for cls in CLASSES
}
