import { expect, test } from "vitest";
import { getText, type LoadPlan, partiesOf, requestsOf, requestText } from "./plan.ts";

const accounts = ["acct_a", "acct_b", "acct_c"];
const plan: LoadPlan = {
  ...{
    port: 1,
    path: "/v1/payments",
    connections: 1,
    token: "t0k3n",
    run: "run7",
    perRequest: 1,
    payments: 10,
    seconds: 1,
  },
  ...{ accounts, hot: null, rate: null },
};

/** Splits a request into the lines before the body and the body; fails unless Content-Length matches. */
function parse(request: string) {
  const bytes = Buffer.from(request, "latin1");
  const bodyAt = bytes.indexOf("\r\n\r\n") + 4;
  const lines = bytes.toString("latin1", 0, bodyAt - 4).split("\r\n");
  const length = Number(lines.find((line) => line.startsWith("Content-Length: "))?.slice(16));
  expect(bytes.length - bodyAt).toBe(length);
  return { lines, body: JSON.parse(bytes.toString("utf8", bodyAt)) };
}

test("a payment's request is whole HTTP with the length of its body", () => {
  const { lines, body } = parse(requestText(plan, 1));
  expect(lines).toEqual(
    expect.arrayContaining([
      "POST /v1/payments HTTP/1.1",
      "Host: bench",
      "Authorization: Bearer t0k3n",
      "Content-Type: application/json",
      "Idempotency-Key: run7-1",
    ]),
  );
  expect(body).toEqual({ ...partiesOf(plan, 1), amount: "1", currency: "HKD" });
});

test("the lengths are right for bulks of every size, and no key is used twice", () => {
  const keys = new Set<string>();
  for (const perRequest of [2, 9, 10, 11, 1000]) {
    const { lines, body } = parse(requestText({ ...plan, path: "/v1/bulk", run: `bulk${perRequest}`, perRequest }, 3));
    expect(lines[0]).toBe("POST /v1/bulk HTTP/1.1");
    expect(body.mode).toBe("each");
    expect(body.items).toHaveLength(perRequest);
    for (const item of body.items) keys.add(item.idempotencyKey);
  }
  expect(keys.size).toBe(2 + 9 + 10 + 11 + 1000);
});

test("no account pays itself, in turn or to a hot account, and every account pays", () => {
  for (const hot of [null, "acct_b"]) {
    const parties = Array.from({ length: 50 }, (_, n) => partiesOf({ ...plan, hot }, n));
    for (const { payer, payee } of parties) expect(payer).not.toBe(payee);
    expect(new Set(parties.map(({ payer }) => payer))).toEqual(new Set(accounts));
    if (hot) expect(parties.filter(({ payee }) => payee === hot).length).toBeGreaterThan(30);
  }
});

test("a load without accounts is refused", () => {
  expect(() => requestText({ ...plan, accounts: [] }, 0)).toThrow("needs accounts");
});

test("requests are counted up to the last payment", () => {
  expect(requestsOf({ ...plan, payments: 1001, perRequest: 1000 })).toBe(2);
  expect(requestsOf(plan)).toBe(10);
});

test("a query's request ends with an empty line", () => {
  expect(getText("/v1/x?limit=1", "t", ["Ledger-Position: 0:1"])).toBe(
    "GET /v1/x?limit=1 HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer t\r\nLedger-Position: 0:1\r\n\r\n",
  );
});
