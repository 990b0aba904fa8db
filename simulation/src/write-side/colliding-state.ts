import { DecisionState, type DecisionStateOptions, type KeyPlace } from "command-service";
import type { Revision } from "ledger-core";
import type { Faults } from "../faults.ts";
import type { Random } from "../random.ts";

/** A decision state with occasional hash collisions of keys: it then also returns revisions that answer other keys. */
export class CollidingState extends DecisionState {
  private readonly random: Random;
  private readonly faults: Faults;

  constructor(options: DecisionStateOptions, { random, faults }: { random: Random; faults: Faults }) {
    super(options);
    this.random = random;
    this.faults = faults;
  }

  override findKey(place: KeyPlace, tenant: string, sub: string, key: string): readonly Revision[] | undefined {
    const found = super.findKey(place, tenant, sub, key);
    if (found === undefined || this.revision === 0 || !this.faults.strikes("colliding_keys", 0.03)) return found;
    return [this.random.below(this.revision), ...found];
  }

  override findKeySince(after: Revision, ...key: [KeyPlace, string, string, string]): readonly Revision[] {
    const found = super.findKeySince(after, ...key);
    if (this.revision <= after || !this.faults.strikes("colliding_keys", 0.03)) return found;
    return [after + 1 + this.random.below(this.revision - after), ...found];
  }
}
