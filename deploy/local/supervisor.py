"""The supervisor: brings the hub up in order, keeps its processes, takes it down in time."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar

import asyncpg
import httpx
from aiokafka.errors import KafkaError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deploy.local import CannotStart, api, credentials, folder
from deploy.local.child import Child, last_words, pause_before, said, spawner, stop_all
from deploy.local.kafka import KafkaPart
from deploy.local.part import Part, Say, open_log
from deploy.local.postgres import PostgresPart
from services.runtime import kafka, log, postgres
from services.runtime.settings import Settings

T = TypeVar("T")
Ready = Callable[[subprocess.Popen[bytes]], Awaitable[None]]
GRACE_SECONDS = 7.0
"""What the services together get between SIGTERM and SIGKILL."""
STOP_SECONDS = 9.5
"""By then everything has ended, Kafka and PostgreSQL too."""
START_SECONDS = 60.0
UNREACHABLE = (
    KafkaError, OSError, TimeoutError, ValueError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError,
    asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError, asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError, asyncpg.InsufficientPrivilegeError,
)  # fmt: skip
LIVES_SECONDS = 2.0
STREAMS = (("reporting-stream", "services.reporting.stream"), ("warning-stream", "services.warning.stream"))
"""Each stream is a process of its own."""


class Progress:
    """What the person at the terminal sees: a spinner with what is going on, a line for what is done."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.going: dict[str, str] = {}
        self.spinner = console.status("")

    @contextlib.asynccontextmanager
    async def step(self, name: str) -> AsyncIterator[Say]:
        """Show one step from its begin to its end; yields what to call on the way."""
        begin = time.monotonic()
        self._going(name, "")
        try:
            yield lambda text, done, total: self._going(name, f"{text} {done}/{total}" if total else text)
        finally:
            self._going(name, None)
        self.console.print(f"  [green]✓[/] {name} [dim]{time.monotonic() - begin:.1f} 秒[/]")

    def _going(self, name: str, text: str | None) -> None:
        if text is None:
            self.going.pop(name, None)
        else:
            self.going[name] = text
        self.spinner.update(" · ".join(f"{n} {t}".strip() for n, t in self.going.items()))


class Supervisor:
    """One hub on one machine; it lives as long as the data folder is taken."""

    def __init__(self, settings: Settings, console: Console) -> None:
        self.home = settings.data_dir.resolve()
        self.settings = settings.model_copy(update={"data_dir": self.home})
        self.console = console
        self.parts: list[Part] = []
        self.children: list[Child] = []
        self.stopping = asyncio.Event()
        self.credentials: credentials.Credentials | None = None
        self.status = folder.Status(
            pid=os.getpid(),
            started=time.time(),
            http=f"http://{settings.http_host}:{settings.http_port}",
            environment=settings.environment,
            bureau=str(settings.bureau),
        )

    async def run(self) -> None:
        """Up, kept until a signal, down."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self.stopping.set)
        try:
            if await self._unless_stopped(self._up()):
                self._show()
                await self._keep_all()
        finally:
            await self._down()

    # up

    async def _up(self) -> None:
        begin = time.monotonic()
        progress = Progress(self.console)
        with progress.spinner:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._kafka(progress))
                group.create_task(self._postgres(progress))
            async with progress.step("服务 services"):
                await self._services()
            # last, because the password is shown once: a start that fails must not swallow it
            self.credentials = await credentials.issue(self.settings.postgres_dsn, self.home / "admin.key")
        self.console.print(f"  中枢已就绪，用时 {time.monotonic() - begin:.1f} 秒")

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
                await postgres.migrate_all(self.settings.postgres_dsn)

    async def _part(self, part: Part, title: str, progress: Progress) -> str:
        async with progress.step(title) as say:
            await in_thread(lambda: part.prepare(say))
            child = Child(part.name, part.log, part.spawn, part.ready, part.stop_signal)
            self.parts.append(part)
            self.status.embedded.append(part.name)
            await self._start(child)
        return part.address

    async def _services(self) -> None:
        environment = {
            **os.environ,
            "HUB_DATA_DIR": str(self.home),
            "HUB_KAFKA_BOOTSTRAP": self.settings.kafka_bootstrap,
            "HUB_POSTGRES_DSN": self.settings.postgres_dsn,
            "PYTHONUNBUFFERED": "1",
        }
        self.status.services = [prefix for prefix, _ in api.present()]
        web = self._service("hub-api", "deploy.local.api", environment, self._api_ready)
        streams = [
            self._service(name, module, environment, partial(self._lives, name))
            for name, module in STREAMS
            if api.exists(module)
        ]
        await asyncio.gather(self._start(web), *(self._start(child, wait=False) for child in streams))

    def _service(self, name: str, module: str, environment: dict[str, str], ready: Ready) -> Child:
        file = self._log(name)
        return Child(name, file, spawner([sys.executable, "-m", module], file, environment), ready)

    async def _start(self, child: Child, *, wait: bool = True) -> None:
        self.children.append(child)
        child.start()
        self._write()
        if wait:
            await child.until_ready()
            self._write()

    async def _api_ready(self, process: subprocess.Popen[bytes]) -> None:
        """Every service says so itself."""
        end = time.monotonic() + START_SECONDS
        waiting = [f"{self.status.http}{prefix}/health/ready" for prefix in self.status.services]
        async with httpx.AsyncClient(trust_env=False, timeout=2) as client:
            while waiting:
                self._must_live("hub-api", process)
                if time.monotonic() > end:
                    raise CannotStart(
                        f"hub-api 在 {START_SECONDS:.0f} 秒内没有就绪（{waiting[0]}）：看日志 {self._log('hub-api')}"
                    )
                waiting = [url for url in waiting if not await answers(client, url)]
                await asyncio.sleep(0.05 if waiting else 0)

    async def _lives(self, name: str, process: subprocess.Popen[bytes]) -> None:
        """A stream has nobody to ask: it is up when it has lived a moment."""
        await asyncio.sleep(LIVES_SECONDS)
        self._must_live(name, process)

    def _must_live(self, name: str, process: subprocess.Popen[bytes]) -> None:
        if (code := process.poll()) is not None:
            file = self._log(name)
            raise CannotStart(f"{name} 启动失败（{said(code)}）：{last_words(file)}；日志 {file}")

    def _log(self, name: str) -> Path:
        return self.home / "log" / f"{name}.log"

    # kept

    async def _keep_all(self) -> None:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._keep(child)) for child in self.children]
            await self.stopping.wait()
            for task in tasks:
                task.cancel()

    async def _keep(self, child: Child) -> None:
        """For ever: wait until it dies, say so, start it again after a pause."""
        await self._settle(child)
        while True:
            code = await child.ended()
            self._write()
            pause = pause_before(child.deaths)
            words = escape(last_words(child.log))
            self._tell(f"[red]{child.name} 已退出（{said(code)}）[/]，{pause:g} 秒后第 {child.restarts + 1} 次重启；"
                       f"日志 {child.log}：{words}")  # fmt: skip
            await asyncio.sleep(pause)
            child.start()
            self._write()
            if await self._settle(child):
                self._tell(f"[green]{child.name} 已恢复[/]（pid {child.pid}）")

    async def _settle(self, child: Child) -> bool:
        """Wait until it is ready; False: it died again, which ended() is about to tell."""
        try:
            await child.until_ready()
        except CannotStart:
            return False
        self._write()
        return True

    def _tell(self, text: str) -> None:
        self.console.print(f"[dim]{time.strftime('%H:%M:%S')}[/] {text}", highlight=False, soft_wrap=True)

    def _write(self) -> None:
        self.status.processes = [child.running for child in self.children if child.running]
        self.status.write(self.home)

    # down

    async def _down(self) -> None:
        """Services first, so that what they have in hand still finds Kafka and PostgreSQL."""
        begin = time.monotonic()
        parts = [c for c in self.children if c.name in self.status.embedded]
        services = [c for c in self.children if c not in parts]
        if any(child.alive for child in self.children):
            self.console.print("正在停止 …")
        await stop_all(services, GRACE_SECONDS)
        await stop_all(parts, max(1.0, begin + STOP_SECONDS - time.monotonic()))
        for part in self.parts:
            part.release()
        self.status.processes = []
        self.status.write(self.home)
        if self.children:
            self.console.print(f"已停止，用时 {time.monotonic() - begin:.1f} 秒")

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

    def _show(self) -> None:
        """The one table: what runs, where."""
        table = Table(title=f"应急指挥中枢 {self.status.http}", title_justify="left")
        for heading in ("部件", "地址", "pid"):
            table.add_column(heading, overflow="fold")
        where = {"kafka": self.status.bootstrap, "postgres": folder.without_password(self.status.dsn)}
        for name in where.keys() - set(self.status.embedded):
            table.add_row(name, escape(where[name]), "外部")
        where["hub-api"] = (
            "  ".join(f"{self.status.http}{prefix}" for prefix in self.status.services) or self.status.http
        )
        for child in sorted(self.children, key=lambda c: c.name not in self.status.embedded):
            table.add_row(child.name, escape(where.get(child.name, "")), str(child.pid))
        if self.credentials:
            table.add_row("命令行的钥匙", f"{self.credentials.key_file}（Authorization: Bearer …）", "")
            if self.credentials.login:
                name, password = self.credentials.login
                table.add_row("管理员登录", f"[bold]{name}  {escape(password)}[/]（只显示这一次）", "")
        self.console.print(table)
        self.console.print(f"数据和日志：{self.home}", highlight=False, soft_wrap=True)
        self.console.print("Ctrl-C 停止；另开窗口可用 hub status、hub down")


@contextlib.contextmanager
def reaching(what: str, where: str, setting: str) -> Iterator[None]:
    """An address that leads nowhere, or to a refusal, is a sentence."""
    try:
        yield
    except UNREACHABLE as error:
        raise CannotStart(f"连不上 {what}（{where}）：{error or type(error).__name__}。检查 {setting}") from error


async def answers(client: httpx.AsyncClient, url: str) -> bool:
    """Does it say 200?"""
    try:
        return (await client.get(url)).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


async def in_thread(work: Callable[[], T]) -> T:
    """Blocking work beside the loop, in a thread that does not keep the program from ending."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]

    def body() -> None:
        result, failure = None, None
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 it is raised again where it is awaited
            failure = error
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, result, failure)

    threading.Thread(target=body, daemon=True).start()
    return await future


def run(settings: Settings, console: Console) -> None:
    """The hub in the foreground. Raises CannotStart with the one sentence that says what to do."""
    home = settings.data_dir.resolve()
    folder.open_folder(home)
    # what the libraries have to say goes into a file: the terminal is for sentences
    with folder.taken(home), io.TextIOWrapper(open_log(home / "log" / "hub-up.log"), "utf-8") as lines:
        log.configure("hub-up", settings.log_level, lines)
        folder.end_leftovers(home)
        folder.need_port(settings.http_host, settings.http_port, "网页和接口", "HUB_HTTP_PORT")
        try:
            asyncio.run(Supervisor(settings, console).run())
        except BaseExceptionGroup as group:
            raise first(group) from None


def first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Of several errors that came together the one to tell: a sentence before a fault of ours."""
    flat = [first(e) if isinstance(e, BaseExceptionGroup) else e for e in group.exceptions]
    return next((error for error in flat if isinstance(error, CannotStart)), flat[0])
