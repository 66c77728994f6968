"""Which bureau folder is in force: the reader writes down each one it starts with, and says what has changed."""

from __future__ import annotations

import datetime
import hashlib
import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import asyncpg
import msgspec

from services.contracts import identity
from services.contracts.families import TYPES
from services.contracts.topics import partition_of, topic_of
from services.reporting.definition import Definition
from services.runtime import bureau, outbox
from services.runtime.bureau import Bureau

TYPE = "config.applied"
SOURCE = "/hub/reporting"
Content = Mapping[str, str]
"""Name → hash of what stands under it."""


async def note(
    connection: asyncpg.Connection, house: Bureau, definitions: Sequence[Definition], now: datetime.datetime
) -> dict[str, Any] | None:
    """Write down the folder in force unless it was the last one too; what has changed goes out as `config.applied`.

    Nothing was in force before the first: it is only written down.
    """
    files = {name: hashlib.sha256(content).hexdigest() for name, content in bureau.contents(house.folder)}
    rows = {_name(d): d.hash for d in definitions}
    async with connection.transaction():
        before = await connection.fetchrow("SELECT * FROM configuration ORDER BY id DESC LIMIT 1")
        if before is not None and before["hash"] == house.hash:
            return None
        number = await connection.fetchval(
            "INSERT INTO configuration (hash, files, statistics) VALUES ($1, $2, $3) RETURNING id",
            house.hash, json.dumps(files), json.dumps(rows),
        )  # fmt: skip
        if before is None:
            return None
        diff = changes({"files": (json.loads(before["files"]), files),
                        "statistics": (json.loads(before["statistics"]), rows)})  # fmt: skip
        await outbox.put(connection, [_said(number, house, diff, now)])
        return diff


def changes(of: Mapping[str, tuple[Content, Content]]) -> dict[str, dict[str, list[str]]]:
    """What was added, changed and removed of each; what has not changed is left out."""
    return {name: found for name, (before, after) in of.items() if (found := _change(before, after))}


def _change(before: Content, after: Content) -> dict[str, list[str]]:
    found = {
        "added": sorted(after.keys() - before.keys()),
        "changed": sorted(name for name in before.keys() & after.keys() if before[name] != after[name]),
        "removed": sorted(before.keys() - after.keys()),
    }
    return {how: names for how, names in found.items() if names}


def _name(d: Definition) -> str:
    """`key`, or `key{label=value}` for a row with constant labels."""
    labels: Iterable[tuple[str, Any]] = dict(d.labels).items()
    told = ",".join(f"{name}={value}" for name, value in labels)
    return f"{d.key}{{{told}}}" if told else d.key


def _said(number: int, house: Bureau, diff: Mapping[str, Any], now: datetime.datetime) -> outbox.Row:
    """The event; its id follows from the hash and from how many came before it."""
    moment = now.astimezone(datetime.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    sent = {
        "specversion": "1.0", "id": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{TYPE}/{number}/{house.hash}")),
        "source": SOURCE, "type": TYPE, "subject": house.hash, "time": moment, "region": house.region,
        "status": "actual", "datacontenttype": "application/json", "data": {"hash": house.hash, "diff": diff},
    }  # fmt: skip
    record = {**sent, "recordedtime": moment, "publisher": "hub", "digest": identity.digest(sent)}
    topic = topic_of(TYPES[TYPE])
    return outbox.Row(
        topic.name, house.hash.encode(), msgspec.json.encode(record), partition=partition_of(TYPES[TYPE], topic)
    )
