import { configurationPart, documented, type Secret, type Setting } from "ledger-core/process";
import { pseudonymSettings } from "../settings.ts";

/** Where queries read the tables of analytics jobs. */
export type GoldTarget = { readonly kind: "none" } | (GoldPlace & { readonly key: Secret; readonly dataSet: string });

type GoldPlace = { readonly kind: "folder"; readonly folder: string };

const goldUrl: Setting<GoldPlace | undefined> = {
  absent: { allowed: true, value: undefined },
  standard: "none",
  parse(text) {
    if (text === "none") return { value: undefined };
    const folder = /^folder:(.+)$/.exec(text)?.[1];
    if (folder !== undefined) return { value: { kind: "folder", folder } };
    return { fault: "must be none or folder:<path of the lake>" };
  },
};

export const goldPart = configurationPart({
  settings: {
    GOLD_TABLES: documented(
      "Where reports and trained recommendations are read, which analytics jobs make from the export; a whole " +
        "`ledger start` reads its data folder by default.",
      goldUrl,
    ),
    ...pseudonymSettings,
  },
  check({ GOLD_TABLES, EXPORT_KEY }, fault) {
    if (GOLD_TABLES !== undefined && EXPORT_KEY === undefined)
      fault("EXPORT_KEY is not set: rows of GOLD_TABLES are found by the pseudonyms that the export made with it");
  },
  build({ GOLD_TABLES: place, EXPORT_KEY: key, EXPORT_DATA_SET: dataSet }): GoldTarget {
    return place === undefined || key === undefined ? { kind: "none" } : { ...place, key, dataSet };
  },
});
