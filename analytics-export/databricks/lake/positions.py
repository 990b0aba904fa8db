"""Positions of shards: the last revision of each that a computation includes."""

from __future__ import annotations

import json
import re
from pathlib import Path

Positions = dict[int, int]


def parse_positions(text: str) -> Positions:
    """Reads `0:123,1:456`, or the positions of a manifest that `ledger export snapshot --json` has written."""
    if text.endswith(".json"):
        manifest = json.loads(Path(text).read_text(encoding="utf-8"))
        return {at["shard"]: at["revision"] for at in manifest["at"]}
    if not re.fullmatch(r"\d+:\d+(,\d+:\d+)*", text):
        raise ValueError(f"{text} is no position per shard, such as 0:123,1:456, and no manifest of a snapshot (.json)")
    pairs = [one.split(":") for one in text.split(",")]
    positions = {int(shard): int(revision) for shard, revision in pairs}
    if len(positions) < len(pairs):
        raise ValueError(f"{text} names a shard twice")
    return positions


def format_positions(positions: Positions) -> str:
    return ",".join(f"{shard}:{revision}" for shard, revision in sorted(positions.items()))


def up_to(positions: Positions, column: str = "revision") -> str:
    """The condition in SQL that selects the rows up to these positions; no row of a shard without one."""
    parts = [f"(shard = {shard} and {column} <= {revision})" for shard, revision in sorted(positions.items())]
    return "(" + " or ".join(parts or ["false"]) + ")"
