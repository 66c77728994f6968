"""The hub's settings: environment variables HUB_…; each field's description is its row in the README."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal, Self
from urllib.parse import quote, urlsplit

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parents[2]
SECRETS = Path("/run/secrets")
"""Where containers find secrets: a file `hub_gateway_secret` there is the setting of that name, if no variable is."""


class Settings(BaseSettings):
    """What may differ between two hubs."""

    model_config = SettingsConfigDict(
        env_prefix="HUB_", extra="ignore", secrets_dir=SECRETS if SECRETS.is_dir() else None
    )

    data_dir: Path = Field(Path(".hub"), description="where the embedded parts keep their data, logs and locks")
    bureau: Path = Field(ROOT / "bureaus" / "example", description="the bureau folder")
    environment: Literal["production", "test"] = Field(
        "production", description="`test` allows `hub clock` and the test gateways"
    )
    http_host: str = Field("127.0.0.1", description="address the APIs and pages listen on")
    http_port: int = Field(8000, description="port of the APIs and pages")
    kafka_port: int = Field(19092, description="port of the embedded Kafka (its controller takes the next one)")
    kafka_bootstrap: str = Field("", description="an outside Kafka, `host:port,…`; then none is started")
    postgres_dsn: str = Field("", description="an outside PostgreSQL, `postgresql://…`; then none is started")
    postgres_password: SecretStr = Field(SecretStr(""), description="its password, when the address names none")
    topic_prefix: str = Field("", description="put before every topic name: several hubs on one Kafka")
    replication: int = Field(1, description="copies of each partition; 3 on a cluster (then 2 must confirm)")
    kafka_jars: Path | None = Field(None, description="a folder with Kafka's jars, for a machine without internet")
    origin: str = Field("", description="where people reach the pages, for links in messages: `https://hub.example`")
    sms_gateway: str = Field("", description="the SMS gateway, `https://…`; without one messages become files")
    voice_gateway: str = Field("", description="the voice gateway; the same")
    smtp_url: SecretStr = Field(
        SecretStr(""), description="the mail server, `smtps://user:password@host:465`; without one mails become files"
    )
    smtp_from: str = Field("", description="from whom mails come: `hub@bureau.example`")
    webhook_private: str = Field("", description="hosts in private networks that webhooks may reach, `host,…`")
    gateway_secret: SecretStr = Field(
        SecretStr(""), description="signs calls to gateways and their call-backs; `new,old` while it is being replaced"
    )
    log_level: str = Field("info", description="debug, info, warning or error")

    @model_validator(mode="after")
    def _with_password(self) -> Self:
        """The address is what everybody connects with: the password goes into it."""
        where, password = urlsplit(self.postgres_dsn), self.postgres_password.get_secret_value()
        if password and where.username and not where.password:
            netloc = where.netloc.replace("@", f":{quote(password, safe='')}@", 1)
            self.postgres_dsn = where._replace(netloc=netloc).geturl()
        return self


def table() -> str:
    """The settings as the README shows them: `python -m services.runtime.settings`."""
    rows = [
        f"| `HUB_{name.upper()}` | {_shown(field.default)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(["| variable | default | meaning |", "|---|---|---|", *rows]) + "\n"


def _shown(default: object) -> str:
    default = default.get_secret_value() if isinstance(default, SecretStr) else default
    text = str(default.relative_to(ROOT) if isinstance(default, Path) and default.is_absolute() else default or "")
    return f"`{text}`" if text else ""


if __name__ == "__main__":
    sys.stdout.write(table())
