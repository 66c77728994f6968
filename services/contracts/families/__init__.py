"""The register of event types: one module per family, one class per type, all listed here."""

from __future__ import annotations

from services.contracts.event import Data, Type
from services.contracts.families import (
    callout,
    command,
    credit,
    drill,
    duty,
    edition,
    enforcement,
    enterprise,
    feed,
    hazard,
    hotline,
    incident,
    infoofficer,
    inspection,
    legal,
    loop,
    monitor,
    notification,
    operation,
    org,
    permit,
    plan,
    publicity,
    retraction,
    safety_report,
    service,
    supply,
    task,
    team,
    training,
    warning,
    weather,
)
from services.contracts.fields import FieldSpec, compile_fields

CLASSES: tuple[type[Data], ...] = (
    *monitor.TYPES,
    *weather.TYPES,
    *warning.TYPES,
    *notification.TYPES,
    *hazard.TYPES,
    *enterprise.TYPES,
    *inspection.TYPES,
    *enforcement.TYPES,
    *credit.TYPES,
    *permit.TYPES,
    *hotline.TYPES,
    *safety_report.TYPES,
    *incident.TYPES,
    *command.TYPES,
    *plan.TYPES,
    *drill.TYPES,
    *team.TYPES,
    *supply.TYPES,
    *infoofficer.TYPES,
    *training.TYPES,
    *publicity.TYPES,
    *service.TYPES,
    *legal.TYPES,
    *org.TYPES,
    *task.TYPES,
    *callout.TYPES,
    *duty.TYPES,
    *loop.TYPES,
    *feed.TYPES,
    *edition.TYPES,
    *operation.TYPES,
    *retraction.TYPES,
)

TYPES: dict[str, Type] = {cls.about.name: cls.about for cls in CLASSES}
CLASS_OF: dict[str, type[Data]] = {cls.about.name: cls for cls in CLASSES}
FIELDS: dict[str, dict[str, FieldSpec]] = {
    cls.about.name: {spec.name: spec for spec in compile_fields(cls)} for cls in CLASSES
}
