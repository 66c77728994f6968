"""How the supervisor learns that a service is up, and does blocking work beside its loop."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import asyncpg
import httpx
from aiokafka.errors import KafkaError

from deploy.local import CannotStart
from services.runtime import postgres

T = TypeVar("T")
BESIDE = "beside"
UNREACHABLE = (
    KafkaError, OSError, TimeoutError, ValueError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError,
    asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError, asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError, asyncpg.InsufficientPrivilegeError,
)  # fmt: skip
"""What an address raises that leads nowhere, or to somebody who refuses."""


@contextlib.contextmanager
def reaching(what: str, where: str, setting: str) -> Iterator[None]:
    """An address that leads nowhere is a sentence that names the setting."""
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


async def knows(dsn: str, application: str) -> bool:
    """Is a client of that name connected to the database? False too while the database is away."""
    try:
        connection = await postgres.connect(dsn, role="up", command_timeout=5)
        try:
            query = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1"
            return bool(await connection.fetch(query, application))
        finally:
            connection.terminate()
    except postgres.NOT_NOW:
        return False


async def in_thread(work: Callable[[], T]) -> T:
    """Blocking work in a thread that does not keep the program from ending, as those of asyncio.to_thread do."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(act: Callable[[], None]) -> None:
        if not future.done():
            act()

    def body() -> None:
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001  it is raised again where it is awaited
            act = _raise(future, error)
        else:
            act = _give(future, result)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, act)

    threading.Thread(target=body, daemon=True, name=BESIDE).start()
    return await future


def unfinished(seconds: float) -> bool:
    """Give the threads beside the loop that long to end; True: one still works (a download, say)."""
    end = time.monotonic() + seconds
    threads = [thread for thread in threading.enumerate() if thread.name == BESIDE]
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    return any(thread.is_alive() for thread in threads)


def _raise(future: asyncio.Future[T], error: BaseException) -> Callable[[], None]:
    return lambda: future.set_exception(error)


def _give(future: asyncio.Future[T], result: T) -> Callable[[], None]:
    return lambda: future.set_result(result)
