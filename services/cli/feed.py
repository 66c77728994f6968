"""Feeds the demonstration: the past year once, then one fact after the other; it ends with the hub."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import datetime
import json
import signal
from collections.abc import Mapping, MutableMapping, Sequence, Set
from pathlib import Path

import httpx
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from deploy.local.credentials import write_secret
from services.cli import running
from services.cli.demo import STATE
from services.cli.year import RIGHTS, Delivery, deliveries, live, publish
from services.contracts.event import STATUSES
from services.runtime import access, postgres
from services.runtime.audit import Actor
from services.runtime.settings import Settings

PR_SET_PDEATHSIG = 1
POLL_SECONDS = 0.5
KEYS = STATE.with_name("demo.keys")
"""In the data folder: the keys of the demonstration's platforms, for their owner's eyes."""


async def feed(settings: Settings) -> None:
    """Wait for the hub, send what of the past year it has not had yet, then go on for ever."""
    url = running.url(settings)
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        await _ready(client, settings, url)
        state = State(running.home_of(settings) / STATE)
        year = deliveries(settings.bureau, state.today)
        keys = await _keys(client, settings, url, {delivery.publisher for delivery in year})
        await _past(client, url, keys, year, state)
        for delivery, pause in live(settings.bureau):
            if delivery.publisher not in keys:
                keys = await _keys(client, settings, url, keys.keys() | {delivery.publisher})
            await publish([delivery], url, keys, client)
            await asyncio.sleep(pause)


async def _ready(client: httpx.AsyncClient, settings: Settings, url: str) -> None:
    """Until this data folder's hub answers, and has written the key: it does so last."""
    key = running.home_of(settings) / "admin.key"
    while True:
        with contextlib.suppress(httpx.TransportError):
            started = running.running(settings) and key.exists()
            if started and (await client.get(f"{url}/ingest/health/ready")).is_success:
                return
        await asyncio.sleep(POLL_SECONDS)


async def _keys(client: httpx.AsyncClient, settings: Settings, url: str, publishers: Set[str]) -> dict[str, str]:
    """A key for each platform that sends: feeds are known by type and publisher."""
    file = running.home_of(settings) / KEYS
    keys: dict[str, str] = json.loads(file.read_text("utf-8")) if file.exists() else {}
    scope = access.Scope((f"/{settings.bureau.name}",), statuses=tuple(STATUSES), rights=RIGHTS)
    connection = await postgres.connect(running.connected().postgres_dsn, role="demo")
    try:
        for publisher in sorted(publishers - keys.keys()):
            _, keys[publisher] = await access.add_key(connection, publisher, scope, by=Actor("hub demo"))
    finally:
        await connection.close()
    write_secret(file, json.dumps(keys))
    for key in keys.values():  # the door hears of a new key within a second
        headers = {"Authorization": f"Bearer {key}"}
        while (await client.get(f"{url}/ingest/mine", headers=headers)).status_code == 401:  # noqa: ASYNC110
            await asyncio.sleep(POLL_SECONDS)
    return keys


async def _past(
    client: httpx.AsyncClient, url: str, key: Mapping[str, str], year: Sequence[Delivery], state: State
) -> None:
    """Replay the past year, the same one for the life of the data folder; an interrupted replay goes on."""
    if sum(state.sent.values()) >= len(year):
        return
    with Progress(TextColumn("  回放过去一年"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()) as bar:
        task = bar.add_task("", total=len(year), completed=sum(state.sent.values()))
        sending = asyncio.create_task(publish(year, url, key, client, state.sent))
        try:
            while not sending.done():
                await asyncio.wait([sending], timeout=0.25)
                bar.update(task, completed=sum(state.sent.values()))
                state.save()
            await sending
        finally:
            state.save()
    print("  过去一年已送入；实时数据正在送入。试试：hub statistics，或 hub statistics hazards_found", flush=True)


class State:
    """What of the year was acknowledged, and on which day the year was made."""

    def __init__(self, file: Path) -> None:
        self.file = file
        kept = json.loads(file.read_text("utf-8")) if file.exists() else {}
        self.today = datetime.date.fromisoformat(
            kept.get("today", datetime.datetime.now(datetime.UTC).date().isoformat())
        )
        self.sent: MutableMapping[str, int] = kept.get("sent", {})
        self.save()

    def save(self) -> None:
        """Replace the file as a whole."""
        fresh = self.file.with_suffix(".new")
        fresh.write_text(json.dumps({"today": self.today.isoformat(), "sent": dict(self.sent)}), "utf-8")
        fresh.replace(self.file)


def main() -> None:
    """Run until the hub's terminal ends it; dies with the process that started it."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(feed(Settings()))


if __name__ == "__main__":
    main()
