/**
 * Progress of a rebuild: `done` of `total` events, and the seconds since its start; once done, how many rows were
 * compared (of session views: owners), and how many differed.
 */
export type RebuildState = {
  readonly projection: string;
  readonly status: "running" | "done" | "failed";
  readonly done: number;
  readonly total: number;
  readonly rows: number;
  readonly differing: number;
  readonly seconds: number;
  readonly detail: string;
};

export function newRebuild(projection: string): RebuildState {
  return { projection, status: "running", done: 0, total: 0, rows: 0, differing: 0, seconds: 0, detail: "waiting" };
}
