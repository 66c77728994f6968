"""Every setting stands in the README, as the code has it."""

from __future__ import annotations

import re

import pytest

from services.runtime.settings import ROOT, Settings, table

README = (ROOT / "README.md").read_text("utf-8")


def test_the_readme_shows_the_settings_as_they_are() -> None:
    assert table() in README, "run: python -m services.runtime.settings, and put its table into README.md"


def test_the_readme_names_no_setting_that_does_not_exist() -> None:
    known = {f"HUB_{name.upper()}" for name in Settings.model_fields} | {"HUB_TEST_KAFKA", "HUB_TEST_POSTGRES"}
    assert set(re.findall(r"\bHUB_[A-Z_]+\b", README)) <= known


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_says_what_it_is_for(name: str) -> None:
    assert Settings.model_fields[name].description


def test_a_setting_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_HTTP_PORT", "8123")
    monkeypatch.setenv("HUB_ENVIRONMENT", "test")
    settings = Settings()
    assert settings.http_port == 8123
    assert settings.environment == "test"
