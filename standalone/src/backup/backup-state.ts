/** How far the backup that a running server writes is. */
export type BackupState = {
  readonly status: "running" | "done" | "failed";
  /** Events copied so far, of how many. */
  readonly events: number;
  readonly total: number;
  /** The position reached, or the fault. */
  readonly detail: string;
};
