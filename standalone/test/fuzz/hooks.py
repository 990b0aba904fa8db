"""What schemathesis cannot read in the OpenAPI document: the forms of strings, and that a refused request appends nothing."""

import datetime
import json
import os
import uuid

import requests
import schemathesis
from hypothesis import strategies as st
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.openapi.checks import RejectedPositiveData

URL = os.environ["LEDGER_FUZZ_URL"]
OPERATOR = os.environ["LEDGER_FUZZ_OPERATOR"]
MARK = json.loads(os.environ["LEDGER_FUZZ_MARK"])

# Far from now: no authorization expires while the fuzz runs, which would append an event that nobody asked for.
days = st.dates(datetime.date(2001, 1, 1), datetime.date(2020, 1, 1)) | st.dates(
    datetime.date(2100, 1, 1), datetime.date(2200, 1, 1)
)
printable = st.characters(exclude_categories=["Cc", "Cs"])
# Twelve digits in a row are too few for a card number, and a letter ends them.
words = st.lists(st.text(printable, max_size=12), max_size=8).map("x".join)

for name, strategy in {
    "currency": st.sampled_from(["HKD", "HKD", "HKD", "JPY", "KWD"]),
    "instant": days.map(lambda day: f"{day}T08:30:00.000001Z"),
    "business-date": days.map(str),
    "time-zone": st.sampled_from(["UTC", "Asia/Hong_Kong", "America/St_Johns"]),
    "subject": st.sampled_from(["alice", "shop"]) | st.from_regex(r"[a-z._:@-]{1,64}", fullmatch=True),
    "free-text": words,
}.items():
    schemathesis.openapi.format(name, strategy)

session = requests.Session()
position = {"last": 0, "mark": -1}


def revision(headers):
    """The revision that a command's answer stands at; None when it recorded nothing: a repeat, a dry run, a plain refusal."""
    found = headers.get("ledger-position")
    return int(found[0].split(":")[1]) if found and "idempotency-replayed" not in headers else None


def append_mark():
    """Appends one event, a payment that is always declined, and tells its revision."""
    headers = {"Authorization": f"Bearer {OPERATOR}", "Idempotency-Key": str(uuid.uuid4())}
    answer = session.post(f"{URL}/v1/payments", json=MARK, headers=headers)
    return int(answer.headers["ledger-position"].split(":")[1])


position["mark"] = append_mark()


class Appended(Failure):
    """An answer that recorded nothing, and a log that has grown."""


@schemathesis.check
def nothing_appended(ctx, response, case):
    """Between two marks stand the events up to the position that the answer names, and none when it names none."""
    recorded = revision(response.headers) if response.request.method == "POST" else None
    before, mark = position["mark"], append_mark()
    position["mark"] = mark
    if recorded is not None:
        position["last"] = recorded
    expected = before if recorded is None else recorded
    if mark != expected + 1:
        raise Appended(
            operation=case.operation.label,
            title="The log is not where the answer says",
            message=f"The log stood at {before} and then at {mark - 1}; the answer names {recorded or 'no position'}",
        )


@schemathesis.hook
def before_call(context, case, kwargs):
    """Queries see what the commands before them did, and never wait for a position that was made up."""
    if case.method != "GET":
        return
    if "ledger-position" not in case.headers:
        case.headers["ledger-position"] = f"0:{position['last']}"
    elif str(case.headers.get("ledger-wait", "0")).isdecimal():
        case.headers["ledger-wait"] = "0"


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Leaves out what the API promises and no schema can hold."""
    if isinstance(failure, AcceptedNegativeData) and case.path == "/v1/bulk":
        # An item that does not fit is its own problem in a bulk that is answered with 200.
        return all(result["status"] < 400 for result in json.loads(response.content)["results"])
    if not isinstance(failure, RejectedPositiveData):
        return True
    problem = json.loads(response.content)
    code = problem.get("code")
    if response.status_code == 422 and code != "amount_invalid":
        # A rule of the ledger refused it, or one between two fields, or between a field and the time.
        between = {"/displayName", "/expiresAt"}
        return code == "invalid_request" and not between & {fault["pointer"] for fault in problem.get("errors", [])}
    # A cursor that no list was answered with; a shard that does not exist; control characters in an id, which has no pattern.
    if code in ("invalid_cursor", "invalid_header", "malformed_path"):
        return False
    # More than one moment to tell the balance at, or one that is still to come.
    return not (code == "invalid_query" and case.path.endswith("/balance"))
