/**
 * Faults of an append.
 * - silence: neither written nor answered · no_reply: written, not answered
 * - drop_before_write, drop_after_write: the client's connection is cut
 * - end_before_write, end_after_write: the call ends without an error and without an answer
 * - timeout_before_write, timeout_after_write: the answer is Timeout, as after two seconds without replication
 * - no_position: written, and the answer has no position · unknown: an unspecific error, not written
 * - unavailable: the call fails with UNAVAILABLE, as while a node starts or stops
 * - unauthenticated: the call fails because of its password · access_denied: the answer refuses the user
 * - not_leader: the call fails with the leader's address in its trailers
 * - late: written and answered once the promise resolves
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

/** A fault of a read or a subscription after `after` events. */
export type ReadFault = {
  readonly after: number;
  readonly kind: "silence" | "drop" | "end" | "unavailable" | "cancelled" | "not_leader";
};

/** Queued faults; each strikes one call, in the order they were given. */
export class ServerFaults {
  readonly #appends: AppendFault[] = [];
  readonly #reads: ReadFault[] = [];
  /** Called when the queue is empty. */
  drawAppend: () => AppendFault | undefined = () => undefined;
  drawRead: () => ReadFault | undefined = () => undefined;
  #replication: Promise<void> | undefined;

  append(...faults: readonly AppendFault[]): void {
    this.#appends.push(...faults);
  }
  read(...faults: readonly ReadFault[]): void {
    this.#reads.push(...faults);
  }
  /**
   * From now on writes appends but does not answer them, as without replicas, until the returned function is called.
   */
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
  /** How many queued append faults have not struck yet. */
  get appendsToCome(): number {
    return this.#appends.length;
  }
  /** Drops all queued faults. */
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
