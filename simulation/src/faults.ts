import { floodKinds } from "./clients/floods.ts";
import type { Random } from "./random.ts";

/** All faults of a simulated world. Each can be switched off, so that a failure can be shrunk to the fewest. */
export const faultKinds = [
  "lost_request",
  "late_request",
  "lost_reply",
  "slow_read",
  "log_crash",
  "torn_write",
  "disk_full",
  "writer_crash",
  "writer_pause",
  "second_writer",
  "clock_jump",
  "clock_drift",
  "wild_clock",
  "old_state_file",
  "lost_state_file",
  "foreign_state_file",
  "damaged_state_file",
  "full_state_disk",
  "failing_state_disk",
  "slow_state_disk",
  "colliding_keys",
  "client_loss",
  "repeated_delivery",
  "reordered_delivery",
  "projector_crash",
  "second_projector",
  "store_away",
  "poison_event",
  "replica_lag",
  "burst",
  "odd_query",
  "cursor_misuse",
  "hostile_http",
  "position_flood",
  ...floodKinds,
  "slow_replication",
  "lost_leader",
] as const;
export type FaultKind = (typeof faultKinds)[number];

/** The faults of a world, and whether they still strike; healing stops them all. */
export type Faults = {
  readonly kinds: ReadonlySet<FaultKind>;
  /** Whether the fault strikes now, with this probability if its kind is switched on. */
  strikes(kind: FaultKind, probability: number): boolean;
  /** The kinds that have struck so far. */
  readonly struck: ReadonlySet<FaultKind>;
  heal(): void;
  readonly healed: boolean;
};

export function makeFaults(kinds: ReadonlySet<FaultKind>, random: Random): Faults {
  const streams = new Map(faultKinds.map((kind) => [kind, random.stream(kind)]));
  const struck = new Set<FaultKind>();
  let healed = false;
  return {
    kinds,
    struck,
    strikes(kind, probability) {
      const hit = streams.get(kind)?.chance(probability) ?? false;
      if (!hit || healed || !kinds.has(kind)) return false;
      struck.add(kind);
      return true;
    },
    heal() {
      healed = true;
    },
    get healed() {
      return healed;
    },
  };
}

/** Gives each world only some of the faults: a few may show what all of them together would hide. */
export function chooseFaults(random: Random): ReadonlySet<FaultKind> {
  const share = random.pick([0.3, 0.6, 0.9]);
  return new Set(faultKinds.filter(() => random.chance(share)));
}
