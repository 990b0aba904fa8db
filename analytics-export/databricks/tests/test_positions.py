from __future__ import annotations

import json
from pathlib import Path

import pytest

from lake.positions import format_positions, parse_positions, up_to


def test_positions_are_read_from_text_and_from_a_manifest(tmp_path: Path) -> None:
    manifest = tmp_path / "snapshot.json"
    manifest.write_text(json.dumps({"at": [{"shard": 0, "revision": 12}, {"shard": 3, "revision": 4}]}))
    assert parse_positions("3:4,0:12") == parse_positions(str(manifest)) == {0: 12, 3: 4}
    assert format_positions({3: 4, 0: 12}) == "0:12,3:4"


@pytest.mark.parametrize("text", ["", "12", "0:1,0:2", "0:-1", "0:1;drop", "0:1,"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_positions(text)


def test_no_positions_select_nothing() -> None:
    assert up_to({}) == "(false)"
    assert up_to({0: 5, 1: 7}) == "((shard = 0 and revision <= 5) or (shard = 1 and revision <= 7))"
