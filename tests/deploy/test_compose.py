"""The compose file says what the registers say: one container for each process, hardened, with its health."""

from __future__ import annotations

import re
import socket
from typing import Any

import pytest
import yaml

from deploy.compose import HTTP, health, role, secret
from deploy.images import lock
from deploy.local import api
from deploy.local.processes import API, STREAMS
from services.runtime import settings as runtime
from services.runtime.settings import ROOT, Settings

FILE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, Any] = FILE["services"]
OURS = {name: one for name, one in SERVICES.items() if one["image"].startswith("emergency-hub:")}
DOCKERFILE = (ROOT / "deploy" / "images" / "Dockerfile").read_text("utf-8")
PROCESSES = (API, *STREAMS)


def runs(service: dict[str, Any]) -> str:
    """The process of the register that a container runs; empty: another program."""
    command = service["command"]
    return command[3] if command[:3] == ["python", "-m", "deploy.compose.role"] else ""


@pytest.mark.parametrize("name", [name for name, _ in PROCESSES])
def test_each_process_is_a_container_of_its_name(name: str) -> None:
    assert runs(SERVICES[name]) == name
    assert "profiles" not in SERVICES[name]


def test_no_container_runs_what_the_register_does_not_have() -> None:
    assert {runs(one) for one in OURS.values()} - {""} == {name for name, _ in PROCESSES} == role.MODULES.keys()


def test_in_a_cluster_each_stream_has_a_standby() -> None:
    standby = {name for name, one in OURS.items() if one.get("profiles") == ["cluster"]}
    assert standby == {f"{name}-standby" for name, _ in STREAMS}
    assert all(runs(SERVICES[name]) == name.removesuffix("-standby") for name in standby)


@pytest.mark.parametrize("name", OURS)
def test_a_container_of_ours_can_do_little(name: str) -> None:
    one = OURS[name]
    assert one["read_only"]
    assert one["cap_drop"] == ["ALL"]
    assert one["security_opt"] == ["no-new-privileges:true"]
    assert one["init"]
    assert one["mem_limit"]


def test_only_the_origin_listens_beyond_this_machine() -> None:
    open_ = {name: port for name, one in SERVICES.items() for port in one.get("ports", ())}
    assert open_.pop("caddy") == "${HUB_HTTP_HOST:-127.0.0.1}:${HUB_HTTP_PORT:-8000}:8000"
    assert all(port.startswith("127.0.0.1:") for port in open_.values())


def test_what_a_container_is_told_are_settings() -> None:
    known = {f"HUB_{field.upper()}" for field in Settings.model_fields}
    told = {name for one in OURS.values() for name in one["environment"]} | set(re.findall(r"\b(HUB_\w+)=", DOCKERFILE))
    assert told - known == {"FORWARDED_ALLOW_IPS"}


def test_kafka_keeps_its_records_in_a_volume() -> None:
    for name in ("kafka", "kafka-2", "kafka-3"):
        assert SERVICES[name]["environment"]["KAFKA_LOG_DIRS"] == "/var/lib/kafka/data"
        assert SERVICES[name]["volumes"] == [f"{name}:/var/lib/kafka/data"]


def test_the_cluster_writes_to_two_of_three() -> None:
    lines = (ROOT / "deploy" / "compose" / "cluster.env").read_text("utf-8").splitlines()
    told = dict(line.split("=", 1) for line in lines if "=" in line)
    assert (told["HUB_REPLICATION"], told["HUB_KAFKA_IN_SYNC"]) == ("3", "2")
    assert told["HUB_KAFKA_BOOTSTRAP"] == "kafka:9092,kafka-2:9092,kafka-3:9092"
    file = (ROOT / "docker-compose.yml").read_text("utf-8")
    assert [name for name in told if name != "COMPOSE_PROFILES" and f"${{{name}:-" not in file] == []


def test_no_variable_holds_a_secret() -> None:
    secrets = {f"HUB_{name.upper()}" for name, field in Settings.model_fields.items() if "Secret" in repr(field)}
    assert secrets >= {"HUB_POSTGRES_PASSWORD", "HUB_GATEWAY_SECRET"}
    assert secrets & {name for one in SERVICES.values() for name in one.get("environment", ())} == set()
    assert {f"HUB_{name.removeprefix('hub_').upper()}" for name in secret.MADE if name.startswith("hub_")} <= secrets


def test_the_health_check_asks_where_the_services_are() -> None:
    assert set(health.PREFIXES) == {prefix for prefix, _ in api.SERVICES}
    assert f"http://{API[0]}:{health.PORT}" == HTTP


def test_a_stream_is_well_while_it_is_connected() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            assert health.connected(port)
    assert not health.connected(port)


def test_the_image_leaves_out_what_is_a_container_of_its_own() -> None:
    whole = (ROOT / "requirements.txt").read_text("utf-8")
    image = lock.without(whole)
    names = re.compile(r"^([\w.-]+)==", re.MULTILINE)
    assert set(names.findall(whole)) - set(names.findall(image)) == set(lock.EMBEDDED)
    assert "--hash=" in image


def test_the_image_is_nobodys_root_and_has_no_compiler() -> None:
    final = DOCKERFILE.rpartition("\nFROM ")[2]
    assert "USER hub" in final
    assert "HEALTHCHECK" in final
    assert "apt-get" not in final
    assert not re.search(r"^# syntax=|<<|--link", DOCKERFILE, re.MULTILINE)


def test_a_password_from_a_file_joins_the_address(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hub_postgres_password").write_text("a/b@c\n")
    monkeypatch.setitem(Settings.model_config, "secrets_dir", tmp_path)
    assert Settings(postgres_dsn="postgresql://hub@db/hub").postgres_dsn == "postgresql://hub:a%2Fb%40c@db/hub"
    assert Settings(postgres_dsn="postgresql://hub:x@db/hub").postgres_dsn == "postgresql://hub:x@db/hub"
    assert Settings().postgres_dsn == ""
    assert runtime.SECRETS.as_posix() == "/run/secrets"
