"""
The bundle's resources as Databricks' own package reads them: it refuses fields and values that the platform does not
know. BUNDLE_RESOURCES is the file into which `npm run spark -- test` has written them.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from databricks.bundles.jobs import Job
from databricks.bundles.schemas import Schema


@pytest.fixture
def resources() -> dict[str, Any]:
    return json.loads(Path(os.environ["BUNDLE_RESOURCES"]).read_text(encoding="utf-8"))


def test_jobs_and_schemas_are_known_to_databricks(resources: dict[str, Any]) -> None:
    jobs = [Job.from_dict(job) for job in resources["jobs"].values()]
    assert [task.task_key for job in jobs for task in job.tasks] == ["gold", "train", "compare", "stream"]
    assert [Schema.from_dict(schema).name for schema in resources["schemas"].values()] == ["gold"]


def test_an_unknown_field_is_refused(resources: dict[str, Any]) -> None:
    job = resources["jobs"]["nightly"]
    with pytest.raises(Exception, match="max_concurrent_run"):
        Job.from_dict({**job, "max_concurrent_run": 1})
    [cluster] = job["job_clusters"]
    broken = {**cluster, "new_cluster": {**cluster["new_cluster"], "node_types": "x"}}
    with pytest.raises(Exception, match="node_types"):
        Job.from_dict({**job, "job_clusters": [broken]})
    with pytest.raises(Exception, match="CAN_SEE"):
        Job.from_dict({**job, "permissions": [{"group_name": "x", "level": "CAN_SEE"}]})
