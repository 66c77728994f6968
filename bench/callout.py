"""The callout: from a warning on Kafka to the messages in the hands of the gateways, which answer in 40 ms."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import json
import statistics
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import msgspec

from bench.line import Line
from bench.parts import Ended, Stage, per_event
from services.contracts import identity
from services.contracts.families import TYPES
from services.contracts.topics import partition_of, topic_of
from services.runtime.kafka import Publisher, Record, ensure_topics

TOWNS, OFFICES = 20, 50
"""1,000 posts with a person each; a town's warning calls 50."""
REDS, MANY = 5, 1_000
ANSWER_SECONDS = 0.04
MOST_RED, MOST_MANY, MOST_FACTS = 1.0, 10.0, 60.0
WAIT_SECONDS = 180
ROOT, SENDER = "990111", "99011141600000"
MODULE = "services.warning.stream"


class Gateways:
    """SMS and voice on one port: when each message came, and for which warning."""

    def __init__(self) -> None:
        self.came: dict[str, dict[str, float]] = {}
        """Chain → message id → moment."""
        self.calls = 0

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[int]:
        """Listen; the port."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):  # ends with us
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
                self._take(await reader.readexactly(length))
                await asyncio.sleep(ANSWER_SECONDS)
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
                await writer.drain()

    def _take(self, body: bytes) -> None:
        now, self.calls = time.time(), self.calls + 1
        for message in msgspec.json.decode(body)["messages"]:
            self.came.setdefault(message["chain"], {}).setdefault(message["message_id"], now)

    async def until(self, chains: list[str], each: int) -> None:
        """Wait until each of these warnings has so many messages here. Raises Ended."""
        end = time.monotonic() + WAIT_SECONDS
        while any(len(self.came.get(chain, ())) < each for chain in chains):
            if time.monotonic() > end:
                have = sum(len(self.came.get(chain, ())) for chain in chains)
                raise Ended(f"{have} of {each * len(chains)} messages came in {WAIT_SECONDS} s")
            await asyncio.sleep(0.01)


def lines(stage: Stage) -> Iterator[Line]:
    """With Kafka and PostgreSQL, and nobody else on the machine."""
    yield from asyncio.run(measured(stage))


async def measured(stage: Stage) -> list[Line]:
    """Both lines."""
    await ensure_topics(stage.settings)
    gateways, publisher = Gateways(), Publisher(stage.settings, 30)
    async with gateways.open() as port:
        url = f"http://127.0.0.1:{port}"
        stage.start(
            "warning-stream", MODULE, HUB_BUREAU=str(bureau(stage.settings.data_dir / "bureau")),
            HUB_SMS_GATEWAY=f"{url}/sms", HUB_VOICE_GATEWAY=f"{url}/voice", HUB_GATEWAY_SECRET="bench",
        )  # fmt: skip
        try:
            return await stage.guarded(_both(stage, gateways, publisher))
        finally:
            await publisher.close()


async def _both(stage: Stage, gateways: Gateways, publisher: Publisher) -> list[Line]:
    await _send(publisher, [alert("red", f"{ROOT}001")])  # what the first one warms up is not measured
    await asyncio.sleep(5)
    return [await red(stage, gateways, publisher), await many(stage, gateways, publisher)]


async def red(stage: Stage, gateways: Gateways, publisher: Publisher) -> Line:
    """Red warnings for the whole bureau, one after the other."""
    seconds: list[float] = []
    people = TOWNS * OFFICES
    for _ in range(REDS):
        chain, accepted = (await _send(publisher, [alert("red", ROOT)]))[0]
        await gateways.until([chain], 2 * people)
        seconds += [at - accepted for at in gateways.came[chain].values()]
        await settled(stage)
    seconds.sort()
    details = {"median s": statistics.median(seconds), "last s": seconds[-1], "messages": float(len(seconds))}
    p99 = seconds[int(len(seconds) * 0.99)]
    return Line(f"red warning, {people:,} people, SMS and voice, p99", p99, "s", most=MOST_RED, details=details)


async def many(stage: Stage, gateways: Gateways, publisher: Publisher) -> Line:
    """Many warnings at once, each for one town."""
    before, calls = stage.cpu(), gateways.calls
    sent = await _send(publisher, [alert("yellow", f"{ROOT}{1 + n % TOWNS:03}") for n in range(MANY)])
    began = min(at for _, at in sent)
    await gateways.until([chain for chain, _ in sent], OFFICES)
    seconds = time.time() - began
    await settled(stage)
    details = {
        "s until the facts are told": time.time() - began, "calls": float(gateways.calls - calls),
        **per_event(before, stage.cpu(), MANY * OFFICES),
    }  # fmt: skip
    return Line(f"{MANY:,} warnings × {OFFICES} recipients", seconds, "s", most=MOST_MANY, details=details)


async def settled(stage: Stage) -> None:
    """Until everything that was said is on Kafka and read again."""
    connection = await asyncpg.connect(stage.settings.postgres_dsn)
    try:
        quiet, last = 0, -1
        while quiet < 5:
            found = await connection.fetchrow(SETTLED)
            quiet = quiet + 1 if found and tuple(found) == (0, last) else 0
            last = found[1] if found else -1
            await asyncio.sleep(0.1)
    finally:
        await connection.close()


SETTLED = """
SELECT (SELECT count(*) FROM warning.outbox) + (SELECT count(*) FROM warning.delivery WHERE state = 'waiting'),
       (SELECT coalesce(sum(next), 0) FROM warning.position WHERE is_current)::bigint"""


async def _send(publisher: Publisher, alerts: list[Record]) -> list[tuple[str, float]]:
    """Chain of each, and when it was on Kafka."""
    await publisher.publish(alerts)
    now = time.time()
    return [((alert.key or b"").decode(), now) for alert in alerts]


def alert(level: str, region: str) -> Record:
    """A warning of the bureau's own station as the door writes it."""
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds")
    identifier = f"{SENDER}_{uuid.uuid4().hex}"
    chain = f"{SENDER}/{identifier}"
    sent = {
        "specversion": "1.0", "id": str(uuid.uuid4()), "source": "/station/own", "type": "weather.alert_received",
        "subject": chain, "time": now, "region": region, "status": "actual",
        "data": {
            "identifier": identifier, "chain_id": chain, "msg_type": "issue", "event_code": "11B03", "level": level,
            "hazard": "rainstorm", "headline": f"区气象台发布暴雨{level}预警", "sender_code": SENDER,
            "areas": [{"code": region, "name": region}], "effective": now,
        },
    }  # fmt: skip
    record = {**sent, "recordedtime": now, "publisher": "station", "digest": identity.digest(sent)}
    type_ = TYPES["weather.alert_received"]
    topic = topic_of(type_)
    headers = (("content-type", b"application/cloudevents+json"),)
    return Record(topic.name, chain.encode(), json.dumps(record).encode(), headers, partition_of(type_, topic))


def bureau(folder: Path) -> Path:
    """A bureau of 20 towns with 50 offices each, a person on duty in every office."""
    folder.mkdir(parents=True, exist_ok=True)
    towns = [f"{ROOT}{n + 1:03}" for n in range(TOWNS)]
    offices = [(f"O{town}{n:02}", town) for town in towns for n in range(OFFICES)]
    (folder / "bureau.toml").write_text(
        f'name = "测区应急管理局"\nshort_name = "测区"\nregion = "{ROOT}"\ntimezone = "Asia/Shanghai"\n'
        'document_prefix = "测应急"\naddressee = "区政府"\nholidays = []\nworkdays = []\n'
    )
    regions = [f"{town},{town}街道,{ROOT},street,,," for town in towns]
    _csv(folder / "regions.csv", "code,name,parent,kind,from,to,successor", [f"{ROOT},测区,,district,,,", *regions])
    bodies = [f"{code},{code}办,{town},street,B0" for code, town in offices]
    head = f"B0,测区应急管理局,{ROOT},bureau,"
    _csv(folder / "organisations.csv", "code,name,region,kind,superior", [head, *bodies])
    people = [f"P{n},人{n},{code},street_duty,,138{n:08},138{n:08},," for n, (code, _) in enumerate(offices)]
    leader = "L1,领导,B0,duty_leader,,13900000000,13900000000,,"
    columns = "person_id,name,organisation,post,deputy_id,sms,voice,email,valid_to"
    _csv(folder / "contacts.csv", columns, [leader, *people])
    return folder


def _csv(file: Path, head: str, rows: list[str]) -> None:
    file.write_text("\n".join([head, *rows, ""]))
