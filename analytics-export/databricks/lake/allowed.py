"""
The fields of an event that leave the ledger, from its stored form: the same list and the same JSON as the exporter's
(src/tables/payload.ts); tests compare the two. A field that is not named here is dropped; accounts, owners and tenants
become pseudonyms.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

Fields = dict[str, Any]
Name = Callable[[str, str], str]

# The newest stored form of each type that this file reads; an earlier one differs in what is given a default below.
VERSIONS = {
    **dict.fromkeys(("TransferPosted", "PaymentAuthorized", "PaymentCaptured", "PaymentVoided"), 2),
    **dict.fromkeys(("PaymentExpired", "PaymentRefunded", "BulkRecorded"), 2),
    **dict.fromkeys(("WriterEpochStarted", "TopUpSettled", "PayoutSettled", "PaymentCharged"), 1),
    **dict.fromkeys(("AccountOpened", "AccountFrozen", "AccountUnfrozen", "AccountClosed"), 1),
    **dict.fromkeys(("AccountChangeDeclined", "TransferDeclined", "TopUpDeclined", "PayoutDeclined"), 1),
    **dict.fromkeys(("PaymentDeclined", "CaptureDeclined", "VoidDeclined", "RefundDeclined"), 1),
}


def pseudonyms(key: str, data_set: str) -> Name:
    """The first 16 bytes of an HMAC-SHA-256 in hex, as the exporter makes them."""

    def name(kind: str, text: str) -> str:
        return hmac.new(key.encode(), f"{data_set}\n{kind}\n{text}".encode(), hashlib.sha256).hexdigest()[:32]

    return name


def payload_of(kind: str, version: int, stored: Fields, name: Name) -> str:
    """@throws ValueError when the form is newer than this file"""
    if version > VERSIONS.get(kind, 0) or (kind, version) == ("BulkRecorded", 1):
        raise ValueError(f"{kind} version {version} is not known here: update the jobs")
    return json.dumps(fields_of(kind, stored, name), separators=(",", ":"), ensure_ascii=False)


def fields_of(kind: str, stored: Fields, name: Name) -> Fields:
    def account(field: str) -> Fields:
        return {field: name("account", stored[field])}

    def some(*fields: str) -> Fields:
        return {field: stored[field] for field in fields}

    def postings() -> Fields:
        return {"postings": [posting(one, name) for one in stored["postings"]]}

    def payment() -> Fields:
        return {"payment": payment_of(stored["payment"], name)}

    def hold() -> Fields:
        return {"hold": hold_of(stored["hold"], name)}

    same_day = {"sameDay": stored.get("sameDay", False)}
    match kind:
        case "WriterEpochStarted":
            return some("epoch")
        case "AccountOpened" | "AccountFrozen" | "AccountUnfrozen" | "AccountClosed":
            return {"account": account_of(stored["account"], name)}
        case "TransferPosted":
            return {**some("transfer"), "legs": legs(stored, name), **some("currency", "effectiveDate"), **postings()}
        case "TopUpSettled":
            return {**some("topUp"), **account("account"), **some("amount", "currency", "rail"), **postings()}
        case "PayoutSettled":
            return {**some("payout"), **account("account"), **some("amount", "currency", "rail"), **postings()}
        case "PaymentCharged":
            return charged(stored, name)
        case "PaymentAuthorized":
            return {**payment(), **hold()}
        case "PaymentCaptured":
            return {**payment(), **some("amount", "released"), **same_day, **hold(), **postings()}
        case "PaymentVoided" | "PaymentExpired":
            return {**payment(), **some("released"), **same_day, **hold()}
        case "PaymentRefunded":
            return {**payment(), **some("refund", "amount", "feeReturned"), **postings()}
        case "BulkRecorded":
            return {**some("mode"), "items": sum(stored["runs"][1::2])}
        case "AccountChangeDeclined":
            return {**some("code", "change"), **account("account")}
        case "TransferDeclined":
            return {**some("code"), "legs": legs(stored, name), **some("currency")}
        case "TopUpDeclined" | "PayoutDeclined":
            return {**some("code"), **account("account"), **some("amount", "currency", "rail")}
        case "PaymentDeclined":
            return {**some("code"), **account("payer"), **account("payee"), **some("amount", "currency", "capture")}
        case "CaptureDeclined" | "RefundDeclined":
            return some("code", "payment", "amount")
        case "VoidDeclined":
            return some("code", "payment")
        case _:
            raise ValueError(f"{kind} is not known here: update the jobs")


def charged(stored: Fields, name: Name) -> Fields:
    """A payment that was captured at once is stored without what follows from that."""
    amount = stored["amount"]
    whole = {"status": "captured", "captured": amount, "refunded": "0", "held": "0", "fee": "0", "capture": "automatic"}
    payment = {**stored, "id": stored["payment"], **whole, "expiresAt": None}
    moved = zip(
        (stored["payer"], stored["payee"]), (f"-{amount}", amount), stored["balances"], stored["dates"], strict=True
    )
    postings = [{"account": one, "amount": by, "balance": to, "date": day} for one, by, to, day in moved]
    return {"payment": payment_of(payment, name), "postings": [posting(one, name) for one in postings]}


def account_of(account: Fields, name: Name) -> Fields:
    return {
        "id": name("account", account["id"]),
        **{field: account[field] for field in ("type", "currency")},
        "owner": name("owner", account["owner"]),
        **{field: account[field] for field in ("timeZone", "status")},
        **{field: account["limits"][field] for field in ("floor", "perTransaction", "perDay")},
        **{field: account["balances"][field] for field in ("posted", "held")},
        "openedAt": instant(account["openedAt"]),
    }


def payment_of(payment: Fields, name: Name) -> Fields:
    parties = {field: name("account", payment[field]) for field in ("payer", "payee")}
    figures = ("payeeType", "amount", "currency", "status", "captured", "refunded", "held", "fee", "capture")
    times = {field: instant(payment[field]) for field in ("createdAt", "expiresAt")}
    return {"id": payment["id"], **parties, **{field: payment[field] for field in figures}, **times}


def posting(one: Fields, name: Name) -> Fields:
    return {
        "account": name("account", one["account"]),
        **{field: one[field] for field in ("amount", "balance", "date")},
    }


def hold_of(hold: Fields, name: Name) -> Fields:
    return {"account": name("account", hold["account"]), "amount": hold["amount"], "held": hold["held"]}


def legs(stored: Fields, name: Name) -> list[Fields]:
    parties = ("from", "to")
    return [{**{one: name("account", leg[one]) for one in parties}, "amount": leg["amount"]} for leg in stored["legs"]]


def instant(micros: int | None) -> str | None:
    """RFC 3339 in UTC with six decimals, from microseconds since 1970."""
    if micros is None:
        return None
    second, rest = divmod(micros, 1_000_000)
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}.{rest:06d}Z"
