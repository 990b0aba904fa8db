import type { Secret } from "ledger-core/process";
import { configurationPart, documented, integer, optionalSecret, type Setting, textOr } from "ledger-core/process";

/** Where the history is exported to. */
export type ExportTarget =
  | { readonly kind: "none" }
  | {
      readonly kind: "folder";
      readonly folder: string;
      readonly key: Secret;
      readonly dataSet: string;
      readonly everyMs: number;
    };

const KEY_LENGTH_MIN = 32;
const MS_A_SECOND = 1000;

const exportUrl: Setting<string | undefined> = {
  absent: { allowed: true, value: undefined },
  standard: "none",
  parse(text) {
    if (text === "none") return { value: undefined };
    const folder = /^folder:(.+)$/.exec(text)?.[1];
    return folder === undefined ? { fault: "must be none or folder:<path>" } : { value: folder };
  },
};

export const exportPart = configurationPart({
  settings: {
    EXPORT: documented("Where the history is exported to as Delta tables.", exportUrl),
    EXPORT_KEY: documented(
      `Makes the pseudonyms of accounts, owners and tenants; at least ${KEY_LENGTH_MIN} characters.`,
      optionalSecret({ lengthMin: KEY_LENGTH_MIN }),
    ),
    EXPORT_DATA_SET: documented("Part of each pseudonym: two data sets cannot be joined.", textOr("payledger")),
    EXPORT_SECONDS: documented(
      "The least time between two commits of a table and shard.",
      integer({ min: 1, max: 600, otherwise: 5 }),
    ),
  },
  check({ EXPORT, EXPORT_KEY }, fault) {
    if (EXPORT !== undefined && EXPORT_KEY === undefined)
      fault("EXPORT_KEY is not set: the export needs it, and every later export of the data set the same one");
  },
  build({ EXPORT: folder, EXPORT_KEY: key, EXPORT_DATA_SET: dataSet, EXPORT_SECONDS }): ExportTarget {
    if (folder === undefined || key === undefined) return { kind: "none" };
    return { kind: "folder", folder, key, dataSet, everyMs: EXPORT_SECONDS * MS_A_SECOND };
  },
});
