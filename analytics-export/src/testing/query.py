"""Answers SQL on exported tables with delta-rs: a folder of tables, then queries; one JSON list of rows per query."""

import json
import os
import sys

from deltalake import DeltaTable, QueryBuilder

root, *queries = sys.argv[1:]
builder = QueryBuilder()
for name in os.listdir(root):
    if not name.startswith("_"):
        builder.register(name, DeltaTable(os.path.join(root, name)))
for query in queries:
    table = builder.execute(query).read_all()
    columns = [[str(cell.as_py()) for cell in table.column(index)] for index in range(table.num_columns)]
    print(json.dumps(list(zip(*columns))))
