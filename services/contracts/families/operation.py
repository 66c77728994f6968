"""The hub's own acts: configuration, access, quarantine, silences (运行)."""

from __future__ import annotations

from typing import Annotated

from services.contracts.event import Data, row
from services.contracts.fields import TEXT, Flag, Id, Moment, Object, Personal, Text


class ConfigApplied(Data, frozen=True, kw_only=True):
    """A bureau folder has been applied."""

    about = row("config.applied", "配置生效", "hash", origin="hub")
    example = {"hash": "sha256-0f1e2d3c", "diff": {"statistics": ["hazards_found"]}}

    hash: Id | None = None
    diff: Object | None = None


class AccessChanged(Data, frozen=True, kw_only=True):
    """Accounts, keys or rights have changed."""

    about = row("access.changed", "权限变更", "what", origin="hub")
    example = {"what": "key:street-jiangpu"}

    what: Text | None = None


class QuarantineRedriven(Data, frozen=True, kw_only=True):
    """A quarantined record goes back through the door."""

    about = row("quarantine.redriven", "隔离重投", "id", origin="hub")
    example = {"id": "J-2023-001"}

    id: Id | None = None


class SilenceCreated(Data, frozen=True, kw_only=True):
    """A person silences some messages."""

    about = row("silence.created", "静默设置", "id", origin="person")
    example = {
        "id": "J-2023-001",
        "matchers": {"type": "device.offline"},
        "owner": "值班员甲",
        "reason": "天气原因",
        "until": "2023-07-16T20:00:00+08:00",
        "hidden": False,
    }

    id: Id | None = None
    matchers: Object | None = None
    owner: Annotated[str, TEXT, Personal] | None = None
    reason: Text | None = None
    until: Moment | None = None
    hidden: Flag | None = None


class SilenceExpired(Data, frozen=True, kw_only=True):
    """A silence is over."""

    about = row("silence.expired", "静默到期", "id", origin="hub")
    example = {"id": "J-2023-001"}

    id: Id | None = None


TYPES = (
    ConfigApplied,
    AccessChanged,
    QuarantineRedriven,
    SilenceCreated,
    SilenceExpired,
)
