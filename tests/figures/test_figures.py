"""Each published figure comes out of the single events of the year, by a plain second opinion."""

from __future__ import annotations

from functools import cache

import pytest

from tests.figures.oracle import Figure, Oracle, figures
from tests.figures.year import BUREAUS, year

ALL = [(bureau, figure) for bureau in BUREAUS for figure in figures(bureau)]


@cache
def oracle(bureau: str) -> Oracle:
    return Oracle(bureau, (delivery.event for delivery in year(bureau)))


@pytest.mark.parametrize(("bureau", "figure"), ALL, ids=[figure.id for _, figure in ALL])
def test_the_published_figure_comes_out_of_the_events(bureau: str, figure: Figure) -> None:
    assert oracle(bureau).ask(figure.query, figure.member) == figure.value, figure.zh


def test_all_figures_of_the_first_two_bureaus_are_here() -> None:
    assert {"pukou-2023", "lianyungang-2022"} <= set(BUREAUS)
    assert (len(figures("pukou-2023")), len(figures("lianyungang-2022"))) == (87, 105)
