/** The introduction to the reference, as Markdown. */
export const introduction = `
A payment ledger for a mobile payment app and its merchants. Money is kept by double entry, everything that happens is
kept as an event, and an answer leaves only after its event is on disk.

Commands are \`POST\`, queries are \`GET\`, and both are JSON in UTF-8. Unknown fields and query parameters are
refused, never ignored.

### Tokens
Every route needs \`Authorization: Bearer <JWT>\`. A token names a tenant, a role (operator, service, consumer,
merchant or auditor) and a subject: the owner whose accounts it may use. Operators may do everything; consumers pay
from their own accounts; merchants capture, void and refund payments to theirs; auditors only read. For a ledger on
your machine, \`npx ledger token --role operator\` prints one: press **Authorize** and paste it. A token can be revoked
by its \`jti\`, by itself or by an operator of its tenant; within a second no service accepts it.

### Idempotency keys
Every \`POST\` carries an \`Idempotency-Key\`, which names what you want done. Repeat a request under its key as often
as you like: it has one effect, and you get the first answer again, byte for byte, with \`Idempotency-Replayed:
true\`. The same key with another body is refused with 422. \`?dryRun=true\` answers any command without keeping
anything.

### Positions
Every answer to a command carries \`Ledger-Position: <shard>:<revision>\`: where it is in the log. A query that sends
this header is answered with data at least as new, and says which position it was served at. It waits up to
\`Ledger-Wait\` milliseconds (1,000 by default) for that; then the answer is 503 with \`Retry-After\`.

### Amounts, times and ids
An amount is a string of digits in the currency's minor unit: \`"1250"\` with \`"HKD"\` is 12.50. Times are RFC 3339
in UTC with microseconds; dates are in the account's time zone. Ids are made by the ledger and sort by time; your own
identifiers go into \`reference\` or \`metadata\`.

### Lists
Newest first. \`limit\` is 1 to 200, and 50 by default; \`nextCursor\`, sent back as \`cursor\`, gets the next page
until it is null.

### Errors
Every error is a problem of RFC 9457 with a stable \`code\`; [/problems](/problems) explains each. A refusal by the
ledger's rules, such as \`insufficient_funds\`, is stored under its key like a success; a malformed request is not.
Retry after 429 and 503, under the same key.

### The examples
The examples tell one story: Alice and Bob pay the Noodle Bar and the Tea House. They are sent by an operator, in the
order in which they need each other: open accounts, top up, pay, refund. Only the session is asked for by Alice, with a
token of \`npx ledger token --role consumer --owner alice\`. Your ledger makes ids of its own: use those in place of the
ones shown.
`;

/** One section per concept, in the order in which they are read. */
export const sections: readonly { readonly name: string; readonly description: string }[] = [
  { name: "Accounts", description: "Where money is kept: their state, balances, history and merchant recommendations" },
  { name: "Top-ups and payouts", description: "Money in from a payment rail, and out to one" },
  { name: "Payments", description: "Money from a payer to a payee, at once or authorized first and captured later" },
  { name: "Refunds", description: "Money of a captured payment back to its payer" },
  { name: "Transfers", description: "Money between accounts, by operators and services" },
  { name: "Bulk", description: "Thousands of commands in one request" },
  { name: "Reports", description: "A merchant's history, computed from the export by analytics jobs; as JSON or CSV" },
  { name: "Session", description: "All that the app shows first, in one query; and the end of a session" },
];
