"""A process that should always run: pauses, signals, words."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.local.child import Child, cut, last_words, pause_before, said, spawner, stop_all
from deploy.local.part import LOG_BYTES


async def _at_once(_process: subprocess.Popen[bytes]) -> None:
    return


@pytest.fixture
def child(tmp_path: Path) -> Callable[[str], Child]:
    def make(code: str) -> Child:
        log = tmp_path / "child.log"
        return Child("child", log, spawner([sys.executable, "-c", code], log, {"X": "1"}), _at_once)

    return make


@pytest.mark.parametrize(("deaths", "seconds"), [(1, 0.5), (2, 1), (3, 2), (5, 8), (6, 10), (60, 10), (2000, 10)])
def test_the_pause_doubles_up_to_ten_seconds(deaths: int, seconds: float) -> None:
    assert pause_before(deaths) == seconds


async def test_a_death_is_noticed_and_counted_with_its_code(child: Callable[[str], Child]) -> None:
    one = child("import os; print('my last word', flush=True); os._exit(3)")
    for number in (1, 2):
        one.start()
        assert await one.ended() == 3
        assert one.deaths == number
    assert one.running is not None
    assert (one.running.restarts, one.running.state) == (1, "dead")
    assert last_words(one.log) == "my last word"


async def test_a_long_life_makes_the_next_death_the_first_again(child: Callable[[str], Child]) -> None:
    one = child("")
    one.start()
    one.deaths, one.started = 7, time.time() - 61
    await one.ended()
    assert one.deaths == 1


async def test_who_does_not_listen_is_killed_when_the_grace_is_over(child: Callable[[str], Child]) -> None:
    deaf = child(
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on', flush=True); time.sleep(60)"
    )
    deaf.start()
    while not last_words(deaf.log):
        await asyncio.sleep(0.02)
    begin = time.monotonic()
    await stop_all([deaf], 0.5)
    assert 0.5 <= time.monotonic() - begin < 3
    assert not deaf.alive
    assert await deaf.ended() == -signal.SIGKILL


async def test_who_listens_is_not_waited_for(child: Callable[[str], Child]) -> None:
    one = child("import time; time.sleep(60)")
    one.start()
    begin = time.monotonic()
    await stop_all([one], 7)
    assert time.monotonic() - begin < 3


def test_a_large_log_is_put_aside_while_its_process_writes_on(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"a" * (LOG_BYTES + 1))
        cut(log)
        writer.write(b"b")
    assert log.read_bytes() == b"b"
    assert (tmp_path / "x.log.1").stat().st_size == LOG_BYTES + 1


@pytest.mark.parametrize(("code", "words"), [(-9, "信号 SIGKILL"), (1, "退出码 1"), (-200, "退出码 -200")])
def test_a_code_in_words(code: int, words: str) -> None:
    assert said(code) == words
