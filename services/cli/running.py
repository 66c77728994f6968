"""Where the hub of this data folder runs: what every verb that talks to it asks first."""

from __future__ import annotations

from pathlib import Path

from deploy.local import in_force
from deploy.local.folder import Status, holder, read_status
from services.runtime.settings import Settings


class CommandFailed(Exception):
    """A verb could not do its work; the text is one sentence that says what to do."""


def running(settings: Settings | None = None) -> Status | None:
    """The status of the running hub; None: none runs from this data folder."""
    home = home_of(settings or Settings())
    status = read_status(home)
    return status if status and (status.containers or holder(home) is not None) else None


def must_run(settings: Settings | None = None) -> Status:
    """The status of the running hub. Raises CommandFailed when there is none."""
    settings = settings or Settings()
    status = running(settings)
    if status is None:
        raise CommandFailed(f"中枢未运行（数据目录 {home_of(settings)}）：先执行 make up")
    return status


def connected() -> Settings:
    """The settings with the addresses of the running hub's Kafka and PostgreSQL filled in.

    Both given from outside: they are used as they are, a hub need not run here.
    """
    settings = Settings()
    if settings.kafka_bootstrap and settings.postgres_dsn:
        return settings
    status = must_run(settings)
    return settings.model_copy(
        update={
            "data_dir": home_of(settings),
            "kafka_bootstrap": settings.kafka_bootstrap or status.bootstrap,
            "postgres_dsn": settings.postgres_dsn or status.dsn,
        }
    )


def url(settings: Settings | None = None) -> str:
    """The hub's HTTP origin: of the running hub, else where the settings say it listens."""
    settings = settings or Settings()
    status = running(settings)
    return status.http if status else f"http://{settings.http_host}:{settings.http_port}"


def bureau_folder(settings: Settings) -> Path:
    """The bureau folder in force in the running hub; of one that does not run here, as the settings say."""
    return home_of(settings) / in_force.LINK if running(settings) else settings.bureau


def home_of(settings: Settings) -> Path:
    """The data folder, absolute."""
    return settings.data_dir.resolve()
