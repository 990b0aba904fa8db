"""Payloads as the jobs export them, of stored events on stdin: a JSON list of type, version and data a line."""

import json
import sys

from lake.allowed import payload_of, pseudonyms

name = pseudonyms(*sys.argv[1:3])
for line in sys.stdin:
    kind, version, stored = json.loads(line)
    print(payload_of(kind, version, stored, name))
