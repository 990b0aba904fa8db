export const rebuildNames = ["models", "session", "graph"] as const;
export type RebuildName = (typeof rebuildNames)[number];

/** How far a rebuild is: `done` events of `total` that the log had when it was last looked at. */
export type RebuildState = {
  readonly projection: RebuildName;
  readonly status: "running" | "done" | "failed";
  readonly done: number;
  readonly total: number;
  readonly detail: string;
};

export function isRebuildName(text: unknown): text is RebuildName {
  return rebuildNames.some((name) => name === text);
}
