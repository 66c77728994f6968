"""Writes the golden record of each event type that has none yet: `python -m tests.contracts.golden`.

What once stood on a canonical topic must decode for ever, so a file that exists is never written again.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from services.contracts import identity
from services.contracts.families import TYPES
from services.contracts.schema import example_event

FOLDER = Path(__file__).parent / "golden"


def record_of(type_name: str) -> dict[str, Any]:
    """The example of a type as the hub would put it on its topic."""
    sent = example_event(type_name)
    return {
        **sent,
        "region": "320111",
        "status": "actual",
        "recordedtime": "2023-07-16T01:30:02.000000Z",
        "publisher": "example",
        "digest": identity.digest(sent),
    }


def add_missing() -> list[str]:
    """Writes the files that are missing and returns the types they are for."""
    FOLDER.mkdir(exist_ok=True)
    missing = [name for name in TYPES if not (FOLDER / f"{name}.json").exists()]
    for name in missing:
        text = json.dumps(record_of(name), ensure_ascii=False, indent=1)
        (FOLDER / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    return missing


if __name__ == "__main__":
    print("\n".join(add_missing()) or "nothing is missing")  # noqa: T201
