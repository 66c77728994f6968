"""Logs: one JSON object a line on stderr, with no secrets in it."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

_SECRET_NAMES = frozenset(["authorization", "cookie", "csrf", "password", "secret", "token", "key_token"])
_TOKEN = re.compile(r"hub_([A-Za-z0-9]+)_[A-Za-z0-9_-]{16,}")
_DSN_PASSWORD = re.compile(r"(://[^:/@\s]*):[^@/\s]+@")


def clean(text: str) -> str:
    """A text without keys' secrets and passwords in addresses; a key's id stays, to find it by."""
    return _DSN_PASSWORD.sub(r"\1:…@", _TOKEN.sub(r"hub_\1_…", text))


def _without_secrets(_logger: Any, _method: str, row: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name, value in row.items():
        if name.lower() in _SECRET_NAMES:
            row[name] = "…"
        elif isinstance(value, str):
            row[name] = clean(value)
    return row


def configure(service: str, level: str = "info", stream: TextIO | None = None) -> None:
    """Set up logging for this process: structlog and the standard library write the same lines."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        lambda _l, _m, row: {"service": service, **row},
        structlog.processors.format_exc_info,
        _without_secrets,
    ]
    number = logging.getLevelNamesMapping()[level.upper()]
    out = stream or sys.stderr
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(ensure_ascii=False)],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(number)


def get(name: str) -> structlog.typing.FilteringBoundLogger:
    """A logger whose lines carry its name; events are words with a dot, `access.away`."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(name=name)
    return logger
