"""Each bureau folder that comes into force is written down, and what has changed is said."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

from services.contracts import event as events
from services.reporting import configuration, statistics
from services.runtime import bureau
from tests.reporting.conftest import Reader

NOW = datetime.datetime(2026, 1, 5, tzinfo=datetime.UTC)
FOLDER = {
    "bureau.toml": 'name = "甲"\nshort_name = "甲"\nregion = "990111"\ntimezone = "Asia/Shanghai"\n'
    'document_prefix = "甲"\naddressee = "乙"\n',
    "regions.csv": "code,name,parent\n990111,甲,\n",
    "statistics/own.toml": '[nights]\nzh = "夜查"\nunit = "次"\nevent = "patrol.completed"\nmeasure = "count"\n',
}


def house(folder: Path, **changed: str | None) -> bureau.Bureau:
    """A bureau with some files changed (dots for slashes), or left out."""
    content: dict[str, Any] = {
        **FOLDER,
        **{name.replace("__", "/").replace("_", "."): v for name, v in changed.items()},
    }
    for name, text in content.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        if text is not None:
            path.write_text(text, "utf-8")
    return bureau.load(folder)


async def noted(reader: Reader, house: bureau.Bureau) -> dict[str, Any] | None:
    """What was said."""
    return await configuration.note(reader.connection, house, statistics.definitions(house), NOW)


async def test_what_changed_is_said_once(reader: Reader, tmp_path: Path) -> None:
    assert await noted(reader, house(tmp_path)) is None  # the first: nothing has changed
    assert await noted(reader, house(tmp_path)) is None
    other = FOLDER["statistics/own.toml"].replace("count", "distinct:post")
    diff = await noted(reader, house(tmp_path, statistics__own_toml=other, codes_toml="# none\n"))
    assert diff == {
        "files": {"added": ["codes.toml"], "changed": ["statistics/own.toml"]},
        "statistics": {"changed": ["nights"]},
    }
    back = await noted(reader, house(tmp_path, codes_toml=None))
    assert back == {
        "files": {"changed": ["statistics/own.toml"], "removed": ["codes.toml"]},
        "statistics": {"changed": ["nights"]},
    }
    rows = await reader.connection.fetch("SELECT topic, value FROM outbox ORDER BY id")
    said = [events.decode(row["value"]) for row in rows]
    assert {row["topic"] for row in rows} == {"affairs"}
    assert [(e.type, e.region, json.loads(bytes(e.data))["diff"]) for e in said] == [
        ("config.applied", "990111", diff), ("config.applied", "990111", back),
    ]  # fmt: skip
    assert len({e.id for e in said}) == 2
