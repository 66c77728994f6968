"""The register of channels: the name that addresses use, and how it is made. A new one is one file and one row."""

from __future__ import annotations

import datetime
from collections.abc import Callable

from services.runtime.settings import Settings
from services.warning.channels.channel import Channel
from services.warning.channels.file import FileOutbox
from services.warning.channels.gateway import Gateway
from services.warning.channels.testing import TestGateway

Now = Callable[[], datetime.datetime]
Make = Callable[[Settings, Now], Channel]


def _gateway(name: str, url: Callable[[Settings], str]) -> Make:
    """By HTTP when the settings name a gateway, else into the file outbox."""

    def make(settings: Settings, now: Now) -> Channel:
        if settings.environment == "test":
            return TestGateway(name, settings.postgres_dsn, now)
        if address := url(settings):
            return Gateway(name, address, settings.gateway_secret.get_secret_value())
        return FileOutbox(name, settings.data_dir / "outbox")

    return make


CHANNELS: dict[str, Make] = {
    "sms": _gateway("sms", lambda s: s.sms_gateway),
    "voice": _gateway("voice", lambda s: s.voice_gateway),
}
