"""A real part under a test's own control: started, killed, frozen, started again."""

from __future__ import annotations

import signal
import subprocess

from deploy.local.part import Part, stop


class Run:
    """One part and its process."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start and wait until it answers."""
        self.part.prepare()
        self.process = self.part.spawn()
        await self.part.ready(self.process)

    def send(self, how: signal.Signals) -> None:
        """A signal to its first process."""
        assert self.process is not None
        self.process.send_signal(how)

    def kill(self) -> None:
        """kill -9, and wait for the end."""
        self.send(signal.SIGKILL)
        assert self.process is not None
        self.process.wait(10)

    def stop(self) -> int | None:
        """End it as the supervisor would, and give the folder back; its exit code."""
        code = None
        if self.process is not None:
            if self.process.poll() is None:
                self.send(signal.SIGCONT)
            code = stop(self.process, self.part.stop_signal)
        self.part.release()
        return code
