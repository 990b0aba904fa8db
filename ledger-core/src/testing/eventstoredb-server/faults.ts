/**
 * What goes wrong with an append.
 * - silence: neither written nor answered · no_reply: written, not answered
 * - drop_before_write, drop_after_write: the client's connection is cut
 * - end_before_write, end_after_write: the call ends without an error and without an answer
 * - timeout_before_write, timeout_after_write: the answer is Timeout, as after two seconds without replication
 * - no_position: written, and the answer names no position · unknown: an error that says nothing, not written
 * - unavailable: the call fails with UNAVAILABLE, as while a node starts or stops
 * - unauthenticated: the call fails for its password · access_denied: the answer refuses the user
 * - not_leader: the call fails with the leader's address in its trailers
 * - late: written and answered when the promise settles
 */
export type AppendFault =
  | "silence"
  | "no_reply"
  | "drop_before_write"
  | "drop_after_write"
  | "end_before_write"
  | "end_after_write"
  | "timeout_before_write"
  | "timeout_after_write"
  | "no_position"
  | "unknown"
  | "unavailable"
  | "unauthenticated"
  | "access_denied"
  | "not_leader"
  | { readonly late: Promise<void> };

/** What goes wrong with a read or a subscription, after it has given so many events. */
export type ReadFault = {
  readonly after: number;
  readonly kind: "silence" | "drop" | "end" | "unavailable" | "cancelled" | "not_leader";
};

/** Faults that are to come: each strikes one call, in the order in which they were given. */
export class ServerFaults {
  readonly #appends: AppendFault[] = [];
  readonly #reads: ReadFault[] = [];
  /** Asked when none was given. */
  drawAppend: () => AppendFault | undefined = () => undefined;
  drawRead: () => ReadFault | undefined = () => undefined;
  #replication: Promise<void> | undefined;

  append(...faults: readonly AppendFault[]): void {
    this.#appends.push(...faults);
  }
  read(...faults: readonly ReadFault[]): void {
    this.#reads.push(...faults);
  }
  /** From now on appends are written and nobody is told, until the function is called: no replica confirms them. */
  holdReplication(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#replication = promise;
    return () => {
      this.#replication = undefined;
      resolve();
    };
  }

  get replication(): Promise<void> | undefined {
    return this.#replication;
  }
  /** How many of the given faults have struck no append yet. */
  get appendsToCome(): number {
    return this.#appends.length;
  }
  /** Forgets the faults that have not struck. */
  clear(): void {
    this.#appends.length = 0;
    this.#reads.length = 0;
  }
  takeAppend(): AppendFault | undefined {
    return this.#appends.shift() ?? this.drawAppend();
  }
  takeRead(): ReadFault | undefined {
    return this.#reads.shift() ?? this.drawRead();
  }
}
