"""The register of channels: the name that addresses use, and how it is made. A new one is one file and one row."""

from __future__ import annotations

import datetime
from collections.abc import Callable

from services.runtime.settings import Settings
from services.warning.channels.channel import Channel
from services.warning.channels.chat import Chat
from services.warning.channels.console import Console
from services.warning.channels.email import Email
from services.warning.channels.file import FileOutbox
from services.warning.channels.gateway import Gateway
from services.warning.channels.testing import TestGateway
from services.warning.channels.webhook import Webhook

Now = Callable[[], datetime.datetime]
Make = Callable[[str, Settings], Channel]


def _gateway(url: Callable[[Settings], str]) -> Make:
    """By HTTP when the settings name a gateway, else into the file outbox."""

    def make(name: str, settings: Settings) -> Channel:
        if address := url(settings):
            return Gateway(name, address, settings.gateway_secret.get_secret_value())
        return FileOutbox(name, settings.data_dir / "outbox")

    return make


def _email(name: str, settings: Settings) -> Channel:
    if url := settings.smtp_url.get_secret_value():
        return Email(name, url, settings.smtp_from)
    return FileOutbox(name, settings.data_dir / "outbox")


def _webhook(name: str, settings: Settings) -> Channel:
    hosts = [host.strip() for host in settings.webhook_private.split(",") if host.strip()]
    return Webhook(name, settings.gateway_secret.get_secret_value(), hosts)


CHANNELS: dict[str, Make] = {
    "sms": _gateway(lambda s: s.sms_gateway),
    "voice": _gateway(lambda s: s.voice_gateway),
    "email": _email,
    "webhook": _webhook,
    "apprise": lambda name, _: Chat(name),
    "console": lambda name, settings: Console(name, settings.postgres_dsn),
}


def channels(settings: Settings, now: Now) -> list[Channel]:
    """Every channel, made; under test none of them reaches anybody."""
    if settings.environment == "test":
        return [TestGateway(name, settings, now) for name in CHANNELS]
    return [make(name, settings) for name, make in CHANNELS.items()]
