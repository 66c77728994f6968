"""Every digest, seal and account of the ledger worked out again."""

from __future__ import annotations

import asyncio
import time

from bench.line import Line
from bench.parts import Ended, Stage, per_event
from services.reporting import verify


def run(stage: Stage, total: int) -> Line:
    """Verify what the reader wrote; all of it must be as it was written."""
    before, began = stage.cpu(), time.perf_counter()
    report = asyncio.run(stage.guarded(verify.verify(stage.settings.postgres_dsn)))
    seconds = time.perf_counter() - began
    if report.wrong:
        raise Ended(f"the ledger does not verify: {report.findings[:3]}")
    details = {"events/s": total / seconds, **per_event(before, stage.cpu(), total)}
    return Line(f"verify of {total:,} records", seconds, "s", details=details)
