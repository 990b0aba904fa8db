"""The RFC 9162 leaf hash of an event from its record in the topic, as the ledger computes it."""

from __future__ import annotations

import hashlib
import re

ID = re.compile(r"evt_([0-7][0-9a-hjkmnp-tv-z]{25})")
DIGITS = {digit: value for value, digit in enumerate("0123456789abcdefghjkmnpqrstvwxyz")}
TYPE = re.compile(r"[A-Za-z][A-Za-z0-9]{0,254}")
ENTRY = bytes([0, 1])  # a leaf of the tree; version 1 of the layout


def leaf_of(shard: int, revision: int, event_id: str, kind: str, version: int, at: int, value: bytes) -> str | None:
    """In hex; None for what cannot be an event. `at` is in microseconds since 1970, `value` the stored bytes."""
    digits = ID.fullmatch(event_id)
    if not digits or not TYPE.fullmatch(kind) or not (0 <= shard < 2**16 and 0 <= version < 2**16):
        return None
    if revision < 0 or at < 0:
        return None
    number = 0
    for digit in digits[1]:
        number = number * 32 + DIGITS[digit]
    place = shard.to_bytes(2) + revision.to_bytes(8) + number.to_bytes(16)
    about = bytes([len(kind)]) + kind.encode() + version.to_bytes(2) + at.to_bytes(8)
    return hashlib.sha256(ENTRY + place + about + hashlib.sha256(value).digest()).hexdigest()
