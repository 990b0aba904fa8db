import type { LakePlace } from "../../settings.ts";

/** A lake for tests, as plain data. */
export type KillTarget =
  | { readonly kind: "folder"; readonly folder: string }
  | { readonly kind: "azure"; readonly container: string; readonly account: string; readonly key: string };

/** The export of a child process, and the step at which it dies. */
export type KillPlan = {
  readonly target: KillTarget;
  readonly seed: number;
  readonly events: number;
  /** The seed of its batches' sizes. */
  readonly draw: number;
  /** `step`: the change of the lake, from 0, at which it dies. Null: it lives. */
  readonly death: { readonly step: number; readonly phase: Phase; readonly afterMs: number } | null;
};
export const phases = ["before", "during", "after"] as const;
type Phase = (typeof phases)[number];

export function placeOf(target: KillTarget): LakePlace {
  if (target.kind === "folder") return target;
  const { key, ...place } = target;
  return { ...place, folder: "lake", login: { key: { reveal: () => key } } };
}
