"""What the hub can do on this machine, as one table: `python -m bench [--events 1000000] [--only NAME]`."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import callout, door, figures, hub, ledger, line, live, machine, recount, report, telemetry, verify
from bench.line import Line
from bench.parts import Ended, parts, scratch

SMALL = 100_000


@dataclass(frozen=True)
class Size:
    """How much is measured, and where its data go (None: nowhere in the end)."""

    events: int
    keep: Path | None


def count(size: Size) -> Iterator[Line]:
    """Everything that is measured on one full ledger."""
    with scratch() as folder, parts(folder) as stage:
        small = ledger.run(stage, min(SMALL, size.events))
        yield small.line("UUIDv7 ids")
    with _folder(size) as folder, parts(folder) as stage:
        large = ledger.run(stage, size.events)
        yield large.line("UUIDv7 ids")
        yield ledger.flat([small, large])
        yield recount.run(stage, size.events)
        yield verify.run(stage, size.events)
        yield from figures.run(stage, size.events)
        yield from report.run(stage, size.events)


def reported(size: Size) -> Iterator[Line]:
    """The annual report of a full ledger."""
    with _folder(size) as folder, parts(folder) as stage:
        ledger.run(stage, size.events)
        yield from report.run(stage, size.events)


def random_ids(size: Size) -> Iterator[Line]:
    """The same with ids that say nothing about time: the index grows everywhere."""
    with scratch() as folder, parts(folder) as stage:
        yield ledger.run(stage, size.events, random_ids=True).line("random ids")


def ingest(_size: Size) -> Iterator[Line]:
    """The door with Kafka and PostgreSQL; nobody reads."""
    with scratch() as folder, parts(folder) as stage:
        yield from door.lines(stage, door.open_(stage))


def sensors(_size: Size) -> Iterator[Line]:
    """The door and telemetry's process with Kafka and PostgreSQL."""
    with scratch() as folder, parts(folder) as stage:
        yield from telemetry.lines(stage, door.open_(stage))


def called(_size: Size) -> Iterator[Line]:
    """The watch's process with Kafka, PostgreSQL and gateways."""
    with scratch() as folder, parts(folder) as stage:
        yield from callout.lines(stage)


def whole(_size: Size) -> Iterator[Line]:
    """The whole hub: its start, its memory, its open pages, and its door while it counts what comes in."""
    with scratch() as folder:
        with hub.hub(folder) as (_, seconds):
            yield hub.start("new data folder", seconds)
        with hub.hub(folder) as (stage, seconds):
            yield hub.start("again", seconds)
            yield hub.idle(stage)
            key = stage.settings.data_dir / "admin.key"
            yield from live.lines(stage, key)
            yield from door.lines(stage, key, ", all of the hub running")


SUBJECTS: dict[str, Callable[[Size], Iterator[Line]]] = {
    "count": count,
    "report": reported,
    "random-ids": random_ids,
    "ingest": ingest,
    "telemetry": sensors,
    "callout": called,
    "hub": whole,
}
WHOLE = [name for name in SUBJECTS if name != "report"]
"""Measured when nothing is named: the report is part of the count."""


@contextlib.contextmanager
def _folder(size: Size) -> Iterator[Path]:
    if size.keep is None:
        with scratch() as folder:
            yield folder
    else:
        size.keep.mkdir(parents=True, exist_ok=True)
        yield size.keep


def main() -> int:
    """Measure, show, save. The exit code says whether everything could be measured, not whether it is fast."""
    options = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    options.add_argument("--events", type=int, default=1_000_000, help="of the full ledger (default 1,000,000)")
    options.add_argument("--only", action="append", choices=SUBJECTS, help="one subject; may be given several times")
    options.add_argument("--keep", type=Path, help="keep the full ledger's data in this folder, and use what is there")
    given = options.parse_args()
    conditions, lines = machine.conditions(), []
    try:
        for name in given.only or WHOLE:
            for one in SUBJECTS[name](Size(given.events, given.keep)):
                print(f"{one.what}: {line.rounded(one.value)} {one.unit}", file=sys.stderr, flush=True)
                lines.append(one)
    except Ended as why:
        print(f"bench: {why}", file=sys.stderr)
        return 1
    finally:
        conditions["load average after"] = machine.load()
        line.show(lines, conditions)
        print(f"saved: {line.save(lines, conditions)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
