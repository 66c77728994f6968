"""The supervisor: brings the hub up in order, keeps its processes, takes it down in time."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import httpx
from rich.markup import escape

from deploy.local import CannotStart, api, credentials, folder, in_force
from deploy.local.child import Child, cut, last_words, pause_before, said, spawner, stop_all
from deploy.local.kafka import KafkaPart
from deploy.local.part import Part, need_room, open_log
from deploy.local.postgres import PostgresPart
from deploy.local.processes import API, STREAMS
from deploy.local.readiness import answers, in_thread, knows, reaching
from deploy.local.terminal import Progress, Terminal, overview
from services.runtime import kafka, log, postgres
from services.runtime.settings import Settings

Ready = Callable[[subprocess.Popen[bytes]], Awaitable[None]]
GRACE_SECONDS = 7.0
"""What the services together get between SIGTERM and SIGKILL."""
STOP_SECONDS = 9.5
"""By then everything has ended, Kafka and PostgreSQL too."""
START_SECONDS = 60.0
STREAM_SECONDS = 10.0
"""How long the start waits for a stream before it goes on without."""
LOG_SECONDS = 60.0


class Supervisor:
    """One hub on one machine; it lives as long as the data folder is taken."""

    def __init__(self, settings: Settings, terminal: Terminal) -> None:
        self.home = settings.data_dir.resolve()
        self.settings = settings.model_copy(update={"data_dir": self.home})
        self.terminal = terminal
        self.parts: list[Part] = []
        self.children: list[Child] = []
        self.stopping = asyncio.Event()
        self.applying = asyncio.Event()
        self.credentials: credentials.Credentials | None = None
        self.status = folder.Status(
            pid=os.getpid(),
            started=time.time(),
            http=f"http://{settings.http_host}:{settings.http_port}",
            environment=settings.environment,
            bureau=str(settings.bureau),
            bureau_hash=in_force.current(self.home).hash,
        )

    async def run(self) -> None:
        """Up, kept until a signal, down."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self.stopping.set)
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, self.applying.set)
        try:
            if await self._unless_stopped(self._up()):
                self._show()
                await self._keep_all()
        finally:
            await self._down()

    # up

    async def _up(self) -> None:
        begin = time.monotonic()
        progress = Progress(self.terminal)
        with progress.spinner:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._kafka(progress))
                group.create_task(self._postgres(progress))
            async with progress.step("服务 services"):
                await self._services()
            # last, because the password is shown once: a start that fails must not swallow it
            self.credentials = await credentials.issue(self.settings.postgres_dsn, self.home / "admin.key")
        self.terminal.print(f"  中枢已就绪，用时 {time.monotonic() - begin:.1f} 秒")

    async def _kafka(self, progress: Progress) -> None:
        """A broker, ours or theirs, with every topic."""
        if not self.settings.kafka_bootstrap:
            self.settings.kafka_bootstrap = await self._part(KafkaPart(self.settings), "Kafka", progress)
        self.status.bootstrap = self.settings.kafka_bootstrap
        async with progress.step("主题 topics"):
            with reaching("Kafka", self.status.bootstrap, "HUB_KAFKA_BOOTSTRAP"):
                self.status.topics = sorted((await kafka.ensure_topics(self.settings)).topics)

    async def _postgres(self, progress: Progress) -> None:
        """A database, ours or theirs, with every migration."""
        if not self.settings.postgres_dsn:
            self.settings.postgres_dsn = await self._part(PostgresPart(self.settings), "PostgreSQL", progress)
        self.status.dsn = self.settings.postgres_dsn
        async with progress.step("数据表 migrations"):
            with reaching("PostgreSQL", folder.without_password(self.status.dsn), "HUB_POSTGRES_DSN"):
                await _migrate(self.settings.postgres_dsn)

    async def _part(self, part: Part, title: str, progress: Progress) -> str:
        async with progress.step(title) as say:
            await in_thread(partial(part.prepare, say))
            self.parts.append(part)
            self.status.embedded.append(part.name)
            await self._start(Child(part.name, part.log, part.spawn, part.ready, part.stop_signal))
        return part.address

    async def _services(self) -> None:
        environment = {
            **os.environ,
            "HUB_DATA_DIR": str(self.home),
            "HUB_BUREAU": str(self.home / in_force.LINK),
            "HUB_KAFKA_BOOTSTRAP": self.settings.kafka_bootstrap,
            "HUB_POSTGRES_DSN": self.settings.postgres_dsn,
            "PYTHONUNBUFFERED": "1",
        }
        self.status.services = [prefix for prefix, _ in api.present()]
        web = self._service(*API, environment, self._api_ready)
        streams = [self._service(n, m, environment, partial(self._reads, n)) for n, m in STREAMS if api.exists(m)]
        await asyncio.gather(self._start(web), *map(self._start_stream, streams))

    def _service(self, name: str, module: str, environment: dict[str, str], ready: Ready) -> Child:
        file = self._log(name)
        return Child(name, file, spawner([sys.executable, "-m", module], file, environment), ready)

    async def _start(self, child: Child) -> None:
        self.children.append(child)
        child.start()
        self._write()
        await child.until_ready()
        self._write()

    async def _start_stream(self, child: Child) -> None:
        """A stream that cannot read must not keep the rest down: `hub epoch` and the pages are its way out."""
        with contextlib.suppress(CannotStart, TimeoutError):
            async with asyncio.timeout(STREAM_SECONDS):
                await self._start(child)

    async def _api_ready(self, process: subprocess.Popen[bytes]) -> None:
        """Every service says so itself."""
        end = time.monotonic() + START_SECONDS
        waiting = [f"{self.status.http}{prefix}/health/ready" for prefix in self.status.services]
        async with httpx.AsyncClient(trust_env=False, timeout=2) as client:
            while waiting := [url for url in waiting if not await answers(client, url)]:
                self._must_live("hub-api", process)
                if time.monotonic() > end:
                    where = self._log("hub-api")
                    raise CannotStart(f"hub-api 在 {START_SECONDS:.0f} 秒内没有就绪（{waiting[0]}）：看日志 {where}")
                await asyncio.sleep(0.05)

    async def _reads(self, name: str, process: subprocess.Popen[bytes]) -> None:
        """A stream answers nobody; it is up when the database knows it, reading or standing by."""
        while not await knows(self.settings.postgres_dsn, f"hub-{name}"):
            self._must_live(name, process)
            await asyncio.sleep(0.1)

    def _must_live(self, name: str, process: subprocess.Popen[bytes]) -> None:
        if (code := process.poll()) is not None:
            file = self._log(name)
            raise CannotStart(f"{name} 启动失败（{said(code)}）：{last_words(file)}；日志 {file}")

    def _log(self, name: str) -> Path:
        return self.home / "log" / f"{name}.log"

    def _show(self) -> None:
        self.terminal.print(overview(self.status, self.credentials))
        self.terminal.print(f"数据和日志：{escape(str(self.home))}", soft_wrap=True)
        self.terminal.print("Ctrl-C 停止；另开窗口可用 hub status、hub down")

    # kept

    async def _keep_all(self) -> None:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._keep(child)) for child in self.children]
            tasks.append(group.create_task(self._keep_logs()))
            tasks.append(group.create_task(self._apply_each()))
            await self.stopping.wait()
            for task in tasks:
                task.cancel()

    async def _keep(self, child: Child) -> None:
        """For ever: wait until it dies, say so, start it again after a pause."""
        await self._settles(child)
        while True:
            code = await child.ended()
            self._write()
            if not child.renewing:
                await self._after_a_death(child, code)
            child.renewing = False
            if self._starts(child) and await self._settles(child):
                self.terminal.event(f"[green]{child.name} 已恢复[/]（pid {child.pid}）")

    async def _after_a_death(self, child: Child, code: int) -> None:
        """Say so, and wait a while."""
        pause = pause_before(child.deaths)
        self.terminal.event(
            f"[red]{child.name} 已退出（{said(code)}）[/]，{pause:g} 秒后第 {child.restarts + 1} 次重启；"
            f"日志 {child.log}：{escape(last_words(child.log))}"
        )
        await asyncio.sleep(pause)

    async def _apply_each(self) -> None:
        """Whenever `hub bureau apply` has put another folder in force: the APIs take it as they run, streams restart.

        What a stream was about to read waits on Kafka.
        """
        while True:
            await self.applying.wait()
            self.applying.clear()
            now = in_force.current(self.home)
            self.status.bureau, self.status.bureau_hash = now.folder, now.hash
            self.terminal.event(f"单位目录 {escape(now.folder)} 生效（指纹 {now.hash[:16]}）")
            streams = [child for child in self.children if child.name in dict(STREAMS)]
            for child in self.children:
                if child.name == "hub-api":
                    child.signal(signal.SIGUSR1)
            await asyncio.gather(*(child.renew(GRACE_SECONDS) for child in streams))
            self._write()

    def _starts(self, child: Child) -> bool:
        """Start it again; False: the system would not, which counts as one more death."""
        try:
            child.start()
        except OSError as error:
            self.terminal.event(f"[red]{child.name} 无法重启[/]：{escape(str(error))}")
            return False
        finally:
            self._mind_the_disk()
        self._write()
        return True

    async def _settles(self, child: Child) -> bool:
        """Wait until it is ready; False: it has died again, which ended() is about to tell."""
        try:
            await child.until_ready()
        except CannotStart:
            return False
        self._write()
        return True

    def _mind_the_disk(self) -> None:
        """A full disk ends Kafka at every start: say why. It is started all the same, somebody may be making room."""
        try:
            need_room(self.home)
        except CannotStart as full:
            self.terminal.event(f"[red]{escape(str(full))}[/]")

    async def _keep_logs(self) -> None:
        """Logs stay bounded while their processes run for months."""
        while True:
            for child in self.children:
                cut(child.log)
            await asyncio.sleep(LOG_SECONDS)

    def _write(self) -> None:
        """The status, for `hub status`; on a full disk the old one stays, the hub goes on."""
        self.status.processes = [child.running for child in self.children if child.running]
        try:
            self.status.write(self.home)
        except OSError as error:
            self.terminal.event(f"[red]状态没有写下[/]：{escape(str(error))}")

    # down

    async def _down(self) -> None:
        """Services first, so that what they have in hand still finds Kafka and PostgreSQL."""
        begin = time.monotonic()
        parts = [c for c in self.children if c.name in self.status.embedded]
        services = [c for c in self.children if c not in parts]
        if self.children:
            self.terminal.print("正在停止 …")
        await stop_all(services, GRACE_SECONDS)
        await stop_all(parts, max(1.0, begin + STOP_SECONDS - time.monotonic()))
        for part in self.parts:
            part.release()
        self.children = []
        self._write()
        self.terminal.print(f"已停止，用时 {time.monotonic() - begin:.1f} 秒")

    async def _unless_stopped(self, work: Awaitable[None]) -> bool:
        """Do it, or leave it when a signal comes; True: done."""
        doing = asyncio.ensure_future(work)
        asked = asyncio.ensure_future(self.stopping.wait())
        await asyncio.wait({doing, asked}, return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        if not doing.done():
            doing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await doing
            return False
        await doing
        return True


def run(settings: Settings, terminal: Terminal) -> None:
    """The hub in the foreground. Raises CannotStart with the one sentence that says what to do."""
    home = settings.data_dir.resolve()
    sound_bureau(settings.bureau)
    folder.open_folder(home)
    # what the libraries have to say goes into a file: the terminal is for sentences
    with folder.taken(home), io.TextIOWrapper(open_log(home / "log" / "hub-up.log"), "utf-8") as lines:
        log.configure("hub-up", settings.log_level, lines)
        folder.end_leftovers(home)
        in_force.adopt(home, settings.bureau)
        folder.need_port(settings.http_host, settings.http_port, "网页和接口", "HUB_HTTP_PORT")
        try:
            asyncio.run(Supervisor(settings, terminal).run())
        except BaseExceptionGroup as group:
            raise first(group) from None


def sound_bureau(path: Path) -> None:
    """Refuse a bureau folder with mistakes before anything starts: the services would refuse it one by one."""
    mistakes = in_force.mistakes(path)
    if mistakes:
        raise CannotStart(
            f"单位目录 {path} 有 {len(mistakes)} 处错误（{mistakes[0]}）：执行 hub bureau check {path} 查看"
        )


async def _migrate(dsn: str) -> None:
    """Bring the database to this release. Raises CannotStart for one of a newer release."""
    try:
        await postgres.migrate_all(dsn)
    except postgres.Newer as newer:
        raise CannotStart(
            f"数据库由更新版本的中枢写成（本程序不认识 {newer}）：换用那个版本的程序，或用 hub restore 恢复旧版本的备份"
        ) from newer


def first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Of several errors that came together the one to tell: a sentence before a fault of ours."""
    flat = [first(e) if isinstance(e, BaseExceptionGroup) else e for e in group.exceptions]
    return next((error for error in flat if isinstance(error, CannotStart)), flat[0])
