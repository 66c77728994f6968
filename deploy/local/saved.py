"""A backup: one folder with a dump of the database, the bureau folder, what a start needs, and a manifest."""

from __future__ import annotations

import datetime
import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from deploy.local import CannotStart

FORMAT = 1
"""Of the folder; a release that cannot read an older one counts up."""
MANIFEST = "manifest.json"
DATABASE, BUREAU, HOME = "postgres", "bureau", "home"
"""Its parts: the dump, the bureau folder, and files of the data folder."""
KEPT = ("admin.key", "ingest/spool", "certs")
"""What of the data folder is kept: the command line's key, warnings that wait on disk, certificates."""
NAME = re.compile(r"hub-\d{8}T\d{6}Z")
CHUNK = 1 << 20
Progress = Callable[[int, int], None]
"""Told (bytes done, bytes in all)."""


@dataclass(frozen=True)
class Manifest:
    """What a backup holds, and of when."""

    made: str
    """The moment of the snapshot, RFC 3339."""
    version: str
    """The release that wrote it."""
    postgres: str
    events: int
    """Of the ledger."""
    migrations: list[str]
    """`schema:folder/name`, as the database has them."""
    rows: dict[str, int]
    """About how many each table has."""
    positions: dict[str, dict[str, int]]
    """Schema → `topic/partition` → next offset to read: from there the hub catches up."""
    settings: list[str]
    """Names of the HUB_ variables that were set; their values are secrets, some of them, and not kept."""
    bureau: str
    """Where the bureau folder lay."""
    database_bytes: int
    format: int = FORMAT
    files: dict[str, str] = field(default_factory=dict)
    """Path → SHA-256."""

    @property
    def moment(self) -> datetime.datetime:
        """When it was made."""
        return datetime.datetime.fromisoformat(self.made)


def name_of(made: datetime.datetime) -> str:
    """`hub-20261123T080000Z`: in the order of time."""
    return f"hub-{made.astimezone(datetime.UTC):%Y%m%dT%H%M%SZ}"


def seal(folder: Path, manifest: Manifest, progress: Progress) -> Manifest:
    """Write the manifest with the checksums of everything that lies in the folder."""
    manifest.files.update(_sums(folder, progress))
    text = json.dumps(asdict(manifest), ensure_ascii=False, indent=1)
    (folder / MANIFEST).write_text(text + "\n", "utf-8")
    return manifest


def open_(folder: Path) -> Manifest:
    """The manifest of a backup. Raises CannotStart when this is none, or of a newer release."""
    try:
        content: dict[str, Any] = json.loads((folder / MANIFEST).read_text("utf-8"))
        found = content.get("format")
        if isinstance(found, int) and found > FORMAT:
            raise CannotStart(
                f"{folder} 是更新版本的中枢做的备份（格式 {found}，本程序只认识 {FORMAT}）：换用新版本恢复"
            )
        return Manifest(**content)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise CannotStart(f"{folder} 不是完整的备份（{error}）：指定 hub backup 建立的目录") from error


def check(folder: Path, manifest: Manifest, progress: Progress) -> None:
    """Compare every file with its checksum. Raises CannotStart that names the first that differs."""
    found = _sums(folder, progress)
    for path in sorted({*found, *manifest.files}):
        if found.get(path) != manifest.files.get(path):
            why = "缺失" if path not in found else "是多出来的" if path not in manifest.files else "与校验和不符"
            raise CannotStart(f"备份 {folder} 已损坏：{path} {why}；什么都没有恢复，请换一份备份")


def newest(folder: Path) -> Path:
    """The backup that a path means: itself, or the newest in it. Raises CannotStart."""
    if (folder / MANIFEST).is_file():
        return folder
    found = backups(folder)
    if not found:
        raise CannotStart(f"{folder} 里没有备份：指定 hub backup 建立的目录")
    return found[-1]


def backups(folder: Path) -> list[Path]:
    """The whole backups in a folder, oldest first; half-written ones are none."""
    if not folder.is_dir():
        return []
    return sorted(p for p in folder.iterdir() if NAME.fullmatch(p.name) and (p / MANIFEST).is_file())


def forget(folder: Path, keep: int) -> list[Path]:
    """Remove all but the newest; what was removed."""
    old = backups(folder)[:-keep]
    for one in old:
        shutil.rmtree(one)
    return old


def copy_home(home: Path, into: Path) -> None:
    """What of the data folder is kept. A waiting warning may go its way meanwhile."""
    for name in KEPT:
        source, target = home / name, into / name
        if source.is_dir():
            shutil.copytree(source, target, ignore_dangling_symlinks=True, copy_function=_copy_if_there)
        elif source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)


def _copy_if_there(source: str, target: str) -> str:
    return shutil.copy2(source, target) if Path(source).exists() else target


def _sums(folder: Path, progress: Progress) -> Mapping[str, str]:
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p != folder / MANIFEST)
    total, done = sum(p.stat().st_size for p in files), 0
    sums = {}
    for path in files:
        digest = hashlib.sha256()
        for piece in _pieces(path):
            digest.update(piece)
            done += len(piece)
            progress(done, total)
        sums[path.relative_to(folder).as_posix()] = digest.hexdigest()
    return sums


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            yield piece
