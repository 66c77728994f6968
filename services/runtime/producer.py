"""An aiokafka producer that can be thrown away: after `abandon` nothing of it waits, runs or is connected any more.

aiokafka cannot do this: with idempotence a batch never expires, so that both `send_and_wait` and `stop` wait for ever
while the broker is away, and one refused batch leaves a gap in the sequence that refuses all later ones. Private
members of aiokafka 0.14.0 are used here, and only here; tests/runtime/test_publisher.py fails when they change.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.producer.sender import Sender

_CLOSE_SECONDS = 2.0
_CANCELS = 20
_CANCEL_SECONDS = 0.1


class _Sender(Sender):  # type: ignore[misc]
    """A sender that knows its requests in flight."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.requests: set[asyncio.Task[Any]] = set()

    async def _send_produce_req(self, node_id: int, batches: Any) -> None:
        task = asyncio.current_task()
        if task is not None:
            self.requests.add(task)
            task.add_done_callback(self.requests.discard)
        await super()._send_produce_req(node_id, batches)


class Producer(AIOKafkaProducer):  # type: ignore[misc]
    """Idempotent, `acks=all`."""

    def __init__(self, bootstrap: str, timeout_ms: int, **options: Any) -> None:
        retry_ms = 50
        super().__init__(
            bootstrap_servers=bootstrap,
            acks="all",
            enable_idempotence=True,
            request_timeout_ms=timeout_ms,
            retry_backoff_ms=retry_ms,
            **options,
        )
        self._sender = _Sender(
            self.client,
            acks=-1,
            txn_manager=self._txn_manager,
            message_accumulator=self._message_accumulator,
            retry_backoff_ms=retry_ms,
            request_timeout_ms=timeout_ms,
        )

    async def known(self, topic: str) -> None:
        """Return when the topic's partitions are known. Raises KafkaError when it does not exist."""
        await self.client._wait_on_metadata(topic)

    async def abandon(self, reason: Exception) -> None:
        """End at once, whatever is in flight; every waiting send raises `reason`."""
        self._closed = True
        self._fail_waiting(reason)
        running = self._running()
        for task in running:
            task.cancel()
        with suppress(KafkaError, OSError, TimeoutError):
            await asyncio.wait_for(self.client.close(), _CLOSE_SECONDS)
        await _end(running)

    def _fail_waiting(self, reason: Exception) -> None:
        waiting = self._message_accumulator
        waiting._closed = True
        # a batch put back for another try has left the pending ones, and its callback expects to find it there
        waiting._pending_batches.update(batch for queue in waiting._batches.values() for batch in queue)
        waiting.fail_all(reason)
        for batch in waiting._pending_batches:
            _seen(batch._drain_waiter)

    def _running(self) -> set[asyncio.Task[Any]]:
        sender = self._sender.sender_task
        if sender is None:
            return set(self._sender.requests)
        sender.remove_done_callback(self._sender._fail_all)  # it raises on a producer without transactions
        return {sender, *self._sender.requests}


async def _end(tasks: set[asyncio.Task[Any]]) -> None:
    """Cancel until they have ended: the sender takes one cancellation as the wish to finish its requests."""
    for _ in range(_CANCELS):
        if not tasks:
            return
        done, tasks = await asyncio.wait(tasks, timeout=_CANCEL_SECONDS)
        for task in done:
            _seen(task)
        for task in tasks:
            task.cancel()


def _seen(future: asyncio.Future[Any]) -> None:
    """Take note of an error that nobody waits for any more, or asyncio logs it."""
    if future.done() and not future.cancelled():
        future.exception()
