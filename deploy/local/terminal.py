"""What the person who started the hub sees: progress, one table, a line for whatever happens later."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deploy.local.credentials import Credentials
from deploy.local.folder import Status, without_password
from deploy.local.part import Say


class Terminal(Console):
    """A console that falls silent when nobody is there any more: a closed window must not end the hub unclean."""

    def print(self, *objects: Any, **options: Any) -> None:
        """Print, if anybody reads."""
        try:
            super().print(*objects, **{"highlight": False, **options})
        except OSError:
            self.quiet = True

    def on_broken_pipe(self) -> None:
        """The reader has gone."""
        self.quiet = True

    def event(self, text: str) -> None:
        """A line with its time of day."""
        self.print(f"[dim]{time.strftime('%H:%M:%S')}[/] {text}", soft_wrap=True)


class Progress:
    """A spinner with what is going on, a line for each thing that is done."""

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


def overview(status: Status, issued: Credentials | None) -> Table:
    """The one table: what runs, where, which key, which log-in."""
    table = Table("部件", "地址", "pid", title=f"应急指挥中枢 {status.http}", title_justify="left")
    where = addresses(status)
    for name in ("kafka", "postgres"):
        if name not in status.embedded:
            table.add_row(name, escape(where[name]), "外部")
    for row in sorted(status.processes, key=lambda row: row.name not in status.embedded):
        table.add_row(row.name, escape(where.get(row.name, "")), str(row.pid))
    if issued:
        table.add_row("命令行的钥匙", escape(str(issued.key_file)), "")
        if issued.login:
            name, password = issued.login
            table.add_row("管理员登录", f"[bold]{name}  {escape(password)}[/]（只显示这一次）", "")
    return table


def addresses(status: Status) -> dict[str, str]:
    """Where each part is reached, for people: no password."""
    services = "  ".join(f"{status.http}{prefix}" for prefix in status.services)
    return {"kafka": status.bootstrap, "postgres": without_password(status.dsn), "hub-api": services or status.http}
