"""The annual reports of the bureaus that publish figures: their templates ask for every one of them."""

from __future__ import annotations

import csv
import datetime
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from services.reporting import catalogue, period, question
from services.reporting.question import LABEL
from services.reporting.report import making, nodes, questions, template
from services.reporting.report.template import Template
from services.runtime import bureau

FOLDER = Path(__file__).resolve().parents[3] / "bureaus"
REPORTING = tuple(sorted(path.parents[1].name for path in FOLDER.glob("*/report/annual.md")))
PUBLISHING = tuple(sorted(path.parent.name for path in FOLDER.glob("*/figures.csv")))
ANNUAL = "annual"
Asked = tuple[str, tuple[tuple[str, str], ...], str]
"""Statistic, labels with days, and the member of its answer that is told."""


def asked(key: str, parameters: Iterable[tuple[str, str]], member: str) -> Asked:
    """A question in one way of asking; it is of the bureau's region."""
    told = sorted((name, value) for name, value in parameters if name not in ("region", "compare"))
    return key, tuple(told), member


def of_text(of: Template, over: period.Period, region: str) -> set[Asked]:
    """What the sentences print; a figure that only a check or a condition asks for is not printed."""
    found = set()
    for node, _ in nodes.walk(of.sentences):
        if isinstance(node, nodes.Figure):
            one = node.slot
            member = "compare.change_pct" if "同比" in one.forms else "value"
            found.add(asked(one.key, questions.parameters(one, over, region, compare=False), member))
    return found


def published(name: str) -> dict[str, Asked]:
    """Figure → what it asks."""
    with (FOLDER / name / "figures.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    queries = {row["id"]: row["query"].partition("?") for row in rows}
    return {
        row["id"]: asked(queries[row["id"]][0], parse_qsl(queries[row["id"]][2]), row["member"] or "value")
        for row in rows
    }


def test_two_bureaus_have_a_report_of_their_own() -> None:
    assert REPORTING == ("lianyungang-2022", "pukou-2023")
    assert set(REPORTING) <= set(PUBLISHING)


@pytest.mark.parametrize("name", REPORTING)
def test_its_template_has_no_mistakes(name: str) -> None:
    of = catalogue.of(bureau.load(FOLDER / name))
    assert questions.in_folder(FOLDER / name, of) == []
    assert template.find(ANNUAL, FOLDER / name).rules


@pytest.mark.parametrize("name", REPORTING)
def test_its_sentences_ask_for_every_published_figure(name: str) -> None:
    house = bureau.load(FOLDER / name)
    over = period.year(datetime.date(int(name[-4:]), 1, 1))
    printed = of_text(template.find(ANNUAL, FOLDER / name), over, house.region)
    assert {id_: one for id_, one in published(name).items() if one not in printed} == {}
    assert all(label.startswith(LABEL) or label in ("from", "to") for _, told, _ in printed for label, _ in told)


@pytest.mark.parametrize(
    ("name", "key", "parameters", "label", "value", "expected"),
    [
        ("example", "rescue_teams_standing", (("by", "level"),), "level", "street", "街道级"),
        ("pukou-2023", "publicity_materials", (("label.material", "poster"),), "material", "poster", "挂图"),
    ],
)
def test_the_labels_of_registers_and_the_constants_of_rows_have_names(
    name: str, key: str, parameters: tuple[tuple[str, str], ...], label: str, value: str, expected: str
) -> None:
    house = bureau.load(FOLDER / name)
    query = question.parse(key, parameters, catalogue.of(house), datetime.date(2023, 12, 31))
    assert making.names_of(house, [query])[label][value] == expected
