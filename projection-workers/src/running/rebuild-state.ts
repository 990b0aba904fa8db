/** Progress of a rebuild: `done` of `total` events; once done, how many rows were compared and how many differed. */
export type RebuildState = {
  readonly projection: string;
  readonly status: "running" | "done" | "failed";
  readonly done: number;
  readonly total: number;
  readonly rows: number;
  readonly differing: number;
  readonly detail: string;
};

export function newRebuild(projection: string): RebuildState {
  return { projection, status: "running", done: 0, total: 0, rows: 0, differing: 0, detail: "waiting" };
}
