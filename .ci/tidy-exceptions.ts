import type { Exceptions } from "./tidy-rules.ts";

export const exceptions: Exceptions = {
  wide: [],
  stateful: {
    "bench/src/children.ts": "child processes to stop when the bench ends",
    "bench/src/floors.ts": "numbers its temporary files",
    "bench/src/load/visible.ts": "is the whole of a process",
    "bench/src/targets/singles.ts": "numbers its runs",
    "command-service/src/state/account-page.ts": "memo of the last business day",
    "command-service/src/state/housekeeping-thread.ts": "is the whole of a thread",
    "ledger-core/src/domain/ids.ts": "memo of what ids of one batch have in common",
    "ledger-core/src/domain/time.ts": "memos of the last instants, and of time zones, bounded by ZONES_MAX",
    "ledger-core/src/http/body-reader.ts": "keyed weakly by a request, and gone with it",
    "ledger-core/src/http/card-numbers.ts": "memo of Unicode's digits, some 700",
    "ledger-core/src/ports/frame-bytes.ts": "memo of event types, at most 256",
  },
  // Ambiguous when the rule came: a list that shrinks.
  sharedTypeNames: [],
};
