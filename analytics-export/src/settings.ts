import type { Secret } from "ledger-core/process";
import {
  configurationPart,
  dataPaths,
  documented,
  type Environment,
  integer,
  optionalSecret,
  type Setting,
  textOr,
  withDefaults,
} from "ledger-core/process";

/** Where the tables are kept. */
export type LakePlace = { readonly kind: "folder"; readonly folder: string };

/** Where the history is exported to, and how. */
export type ExportTarget =
  | { readonly kind: "none" }
  | {
      readonly kind: "lake";
      readonly place: LakePlace;
      readonly key: Secret;
      readonly dataSet: string;
      readonly everyMs: number;
    };

const KEY_LENGTH_MIN = 32;
const MS_A_SECOND = 1000;

const exportUrl: Setting<LakePlace | undefined> = {
  absent: { allowed: true, value: undefined },
  standard: "none",
  parse(text) {
    if (text === "none") return { value: undefined };
    const folder = /^folder:(.+)$/.exec(text)?.[1];
    return folder === undefined ? { fault: "must be none or folder:<path>" } : { value: { kind: "folder", folder } };
  },
};

export const exportPart = configurationPart({
  settings: {
    EXPORT: documented(
      "Where the history is exported to as Delta tables; a whole `ledger start` uses its data folder by default.",
      exportUrl,
    ),
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
  build({ EXPORT: place, EXPORT_KEY: key, EXPORT_DATA_SET: dataSet, EXPORT_SECONDS }): ExportTarget {
    if (place === undefined || key === undefined) return { kind: "none" };
    return { kind: "lake", place, key, dataSet, everyMs: EXPORT_SECONDS * MS_A_SECOND };
  },
});

/**
 * The environment of an embedded ledger: where it does not say otherwise, the tables are in the data folder, and the
 * key is the folder's.
 */
export function embeddedEnvironment(dataDir: string, given?: Environment): Environment {
  const { lake, exportKey } = dataPaths(dataDir);
  const environment = withDefaults({ EXPORT: `folder:${lake}` }, given);
  return environment.EXPORT_KEY ? environment : withDefaults({ EXPORT_KEY_FILE: exportKey }, environment);
}
