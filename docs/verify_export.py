"""Verifies a folder written by `hub export`, with nothing but Python: python3 verify_export.py FOLDER.

Computed again: the SHA-256 of each file, the digest of each record over what its publisher sent (RFC 8785), each seal
= SHA-256(previous seal + RFC 8785 of [epoch, topic, partition, first, next, [digest, ...]]), and the account.
"""

import gzip
import hashlib
import heapq
import json
import sys
from decimal import Decimal
from pathlib import Path

SET_BY_THE_HUB = ("recordedtime", "publisher", "digest", "cause", "regiongiven", "filled", "flags")


def lines(folder, name):
    """The rows of one file."""
    with gzip.open(folder / f"{name}.ndjson.gz", "rt", encoding="utf-8", newline="\n") as file:
        yield from map(json.loads, file)


def canonical(value):
    """RFC 8785: sorted names, no blanks, numbers as ECMAScript writes them."""
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join(f"{canonical(name)}:{canonical(value[name])}" for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return number(value)
    return json.dumps(value, ensure_ascii=False)


def number(value):
    """As ECMAScript writes it; whole numbers beyond 2^53 were sent as fractions."""
    if isinstance(value, int) and abs(value) < 2**53:
        return str(value)
    sign, digits, exponent = Decimal(repr(float(value))).as_tuple()
    text = "".join(map(str, digits)).rstrip("0")
    point = len(digits) + exponent  # 0.text × 10^point
    if not text:
        return "0"
    if 0 < point <= 21:
        shown = text.ljust(point, "0") if len(text) <= point else f"{text[:point]}.{text[point:]}"
    elif -6 < point <= 0:
        shown = f"0.{'0' * -point}{text}"
    else:
        shown = f"{text[0]}{'.' + text[1:] if text[1:] else ''}e{point - 1:+d}"
    return "-" * sign + shown


def as_sent(record):
    """The record without what the hub set; `filled` names what it filled in."""
    sent = {name: value for name, value in record.items() if name not in SET_BY_THE_HUB}
    if "regiongiven" in record:
        sent["region"] = record["regiongiven"]
    for item in record.get("filled", "").split():
        name, was_sent, value = item.partition("=")
        outer, inner, field = name.partition(".")
        place = sent
        if inner:
            place, name = dict(sent[outer]), field
            sent[outer] = place
        if was_sent:
            place[name] = json.loads(value)
        else:
            del place[name]
    return sent


def verify(folder):
    """Everything that is wrong, one sentence each."""
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    for file in manifest["files"]:
        with (folder / file["name"]).open("rb") as raw:
            if hashlib.file_digest(raw, "sha256").hexdigest() != file["sha256"]:
                yield f"{file['name']}: not the file of the manifest"
    records = heapq.merge(*(kind(folder, n, name) for n, name in enumerate(("ledger", "duplicates", "quarantine"))))
    positions = {p["id"]: {**p, "at": p["first"], "found": [0, 0, 0]} for p in lines(folder, "positions")}
    before, seals, row = {}, {}, next(records, None)
    for seal in lines(folder, "seals"):
        p, digests = positions[seal["position"]], []
        where = f"{p['topic']}/{p['partition']} epoch {p['epoch']}"
        if seal["first"] != p["at"]:
            yield f"{where}: seals do not join at {p['at']}"
        while row and row[:2] < (p["id"], seal["next"]):
            position, offset, which, digest, late, wrong = row
            if wrong:
                yield f"{where} offset {offset}: {wrong}"
            if before.get(position, (-1,))[0] == offset:  # a correction that does not fit stands in the ledger too
                p["found"][0] -= not late
                p["found"][2] += not late
            else:
                digests.append(digest)
                p["found"][which] += 1
            before[position], row = (offset,), next(records, None)
        told = canonical([p["epoch"], p["topic"], p["partition"], seal["first"], seal["next"], digests]).encode()
        head = hashlib.sha256(bytes.fromhex(seals.get(p["id"], "")) + told).hexdigest()
        if head != seal["seal"] or len(digests) != seal["next"] - seal["first"]:
            yield f"{where}: the seal of {seal['first']} to {seal['next']} does not fit its records"
        p["at"], seals[p["id"]] = seal["next"], seal["seal"]
    for p in positions.values():
        if p["at"] != p["next"] or p["found"] != [p["handled"], p["duplicate"], p["quarantine"]]:
            yield f"{p['topic']}/{p['partition']} epoch {p['epoch']}: the account does not add up"
    if row:
        yield f"a record of position {row[0]} at {row[1]} lies under no seal"


def kind(folder, which, name):
    """Position, offset, which file, digest, late, what is wrong with it."""
    for row in lines(folder, name):
        record = json.loads(row["text"]) if "text" in row else row.get("record")
        wrong = which == 0 and hashlib.sha256(canonical(as_sent(record)).encode()).hexdigest() != row["digest"]
        yield row["position"], row["offset"], which, row["digest"], row.get("late", False), wrong and "another digest"


if __name__ == "__main__":
    wrong = list(verify(Path(sys.argv[1])))
    heads = json.loads((Path(sys.argv[1]) / "manifest.json").read_text("utf-8"))["heads"]
    told = ["{topic}/{partition} epoch {epoch} next {next} seal {seal}".format_map(head) for head in heads]
    sys.stdout.write("\n".join([*wrong, *told, f"{len(wrong)} wrong" if wrong else "verified"]) + "\n")
    sys.exit(1 if wrong else 0)
