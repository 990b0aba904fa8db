"""What schemathesis cannot read in the OpenAPI document: the forms of strings, and that a refused request appends nothing."""

import datetime
import itertools
import json
import os
import re
import unicodedata
import uuid

import requests
import schemathesis
from hypothesis import strategies as st
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.openapi.checks import RejectedPositiveData

URL = os.environ["LEDGER_FUZZ_URL"]
OPERATOR = os.environ["LEDGER_FUZZ_OPERATOR"]
MARK = json.loads(os.environ["LEDGER_FUZZ_MARK"])
# Positions of the one shard that there is, which the log has passed. No pattern: of one in a header no coverage value is made.
PASSED = {"type": "string", "enum": ["0:0", "0:99"]}

# Faults of form that show only beside the clock, or in a sum: their code, and the fields that they are of.
BEYOND_SCHEMA = [
    ("invalid_request", {"/expiresAt"}),
    ("invalid_request", {"/effectiveDate"}),
    ("amount_invalid", {"/legs"}),
]


def first_id(kind):
    with open(kind, encoding="utf-8") as file:
        return json.loads(file.readline())


# Values that fit together, by the names of the fields that take them.
EXAMPLES = {
    "payer": first_id("payers"),
    "from": first_id("payers"),
    "account": first_id("payers"),
    "payee": first_id("payees"),
    "to": first_id("payees"),
    "amount": "1",
    "expiresAt": "2100-01-01T00:00:00.000000Z",
}

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
    "owner": st.sampled_from(["alice", "shop"]) | st.from_regex(r"[a-z._@-]{1,64}", fullmatch=True),
    "free-text": words,
}.items():
    schemathesis.openapi.format(name, strategy)

session = requests.Session()
log = {"mark": -1}
turns = itertools.count()


def revision(headers):
    """The revision that a command's answer stands at; None when it recorded nothing: a repeat, a dry run, a plain refusal."""
    found = headers.get("ledger-position")
    return int(found[0].split(":")[1]) if found and "idempotency-replayed" not in headers else None


def append_mark():
    """Appends one event, a payment that is always declined, and tells its revision."""
    headers = {"Authorization": f"Bearer {OPERATOR}", "Idempotency-Key": str(uuid.uuid4())}
    answer = session.post(f"{URL}/v1/payments", json=MARK, headers=headers)
    return int(answer.headers["ledger-position"].split(":")[1])


def await_queries(revision):
    """Queries see what the command before them did."""
    headers = {"Authorization": f"Bearer {OPERATOR}", "Ledger-Position": f"0:{revision}", "Ledger-Wait": "10000"}
    session.get(f"{URL}/v1/accounts?limit=1", headers=headers).raise_for_status()


while log["mark"] < 100:
    log["mark"] = append_mark()
await_queries(log["mark"])


class Appended(Failure):
    """An answer that recorded nothing, and a log that has grown."""


@schemathesis.check
def nothing_appended(ctx, response, case):
    """Between two marks stand the events up to the position that the answer names, and none when it names none."""
    recorded = revision(response.headers) if response.request.method == "POST" else None
    before, mark = log["mark"], append_mark()
    log["mark"] = mark
    if recorded is not None:
        await_queries(recorded)
    expected = before if recorded is None else recorded
    if mark != expected + 1:
        raise Appended(
            operation=case.operation.label,
            title="The log is not where the answer says",
            message=f"The log stood at {before} and then at {mark - 1}; the answer names {recorded or 'no position'}",
        )


def put_examples(schema):
    """Gives the fields of a body, and of the items in it, their examples."""
    for name, known in schema.get("properties", {}).items():
        if name in EXAMPLES:
            schema["properties"][name] = {**known, "example": EXAMPLES[name]}
        elif isinstance(known.get("items"), dict):
            for item in known["items"].get("oneOf", [known["items"]]):
                put_examples(item)


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """Puts in ids that are there, and leaves out cursors and positions that are not: made up, they hide whatever else is tried."""
    for path, item in raw_schema["paths"].items():
        for operation in item.values():
            parameters = operation.get("parameters", [])
            operation["parameters"] = [known for known in parameters if known["name"] != "cursor"]
            for known in parameters:
                if known["name"] in ("ledger-position", "position"):
                    known.pop("example", None)
                    known["schema"] = PASSED
                if known["in"] == "path":
                    known["schema"] = {"type": "string", "example": first_id(path.split("/")[2])}
                    known.pop("example", None)
            if "requestBody" in operation:
                put_examples(operation["requestBody"]["content"]["application/json"]["schema"])


@schemathesis.hook
def before_call(context, case, kwargs):
    """Most commands have a key of their own, only merchants a display name, and a balance is asked for at one moment."""
    key = case.headers.get("idempotency-key")
    if isinstance(key, str) and re.fullmatch(r"[\x21-\x7e]{1,255}", key) and next(turns) % 4 > 0:
        case.headers = case.headers.copy()
        case.headers["idempotency-key"] = str(uuid.uuid4())
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if case.path == "/v1/accounts" and isinstance(case.body, dict) and case.body.get("type") != "merchant":
        case.body = {name: value for name, value in case.body.items() if name != "displayName"}
    if case.path.endswith("/balance"):
        case.query = dict(list(case.query.items())[-1:])


def only_formats_negated(case):
    """Whether the request was meant not to fit by the formats of strings alone."""
    mutations = getattr(case.meta.phase.data, "mutations", None) or ()
    return len(mutations) > 0 and all(set(mutation.keywords) == {"format"} for mutation in mutations)


def holds_control(value):
    """Whether a control character stands in any text of a body: what no format allows."""
    if isinstance(value, str):
        return any(unicodedata.category(character) == "Cc" for character in value)
    if isinstance(value, dict):
        return any(holds_control(part) for entry in value.items() for part in entry)
    return isinstance(value, list) and any(holds_control(item) for item in value)


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Leaves out what the API promises and no schema can hold."""
    if isinstance(failure, AcceptedNegativeData):
        # An item that does not fit is its own problem in a bulk that is answered with 200.
        if case.path == "/v1/bulk" and any(result["status"] >= 400 for result in json.loads(response.content)["results"]):
            return False
        # Of a format that it does not know the tool takes any text for a violation, and much of it is none.
        return holds_control(case.body) or not only_formats_negated(case)
    if not isinstance(failure, RejectedPositiveData):
        return True
    problem = json.loads(response.content)
    code = problem.get("code")
    if response.status_code == 422:
        # A rule of the ledger refused it, or the time, or what the legs come to together.
        at = {fault["pointer"] for fault in problem.get("errors", [])}
        return (code, at) not in BEYOND_SCHEMA and code in ("amount_invalid", "invalid_request")
    # Control characters in an id, which has no pattern.
    if code == "malformed_path":
        return False
    # A moment that is still to come.
    return not (code == "invalid_query" and case.path.endswith("/balance"))
