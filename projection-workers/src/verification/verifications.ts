import { once } from "node:events";
import { type MessagePort, Worker } from "node:worker_threads";
import { LedgerError } from "ledger-core";
import type { Logger } from "ledger-core/process";
import { fileOf, projectionNames } from "../projections/list.ts";
import { nextMove } from "../running/board.ts";
import type { ProjectionThread } from "../running/projection-thread.ts";
import { newVerify, type VerifyState, type VerifyTuning, verifyTuning } from "./verification.ts";
import type { VerifyThreadData } from "./verify-thread.ts";

type VerificationsOptions = {
  /** The folder of the files of read models. */
  readonly dir: string;
  readonly shards: number;
  readonly connectLog: () => MessagePort;
  readonly projections: ProjectionThread;
  readonly logger: Logger;
  readonly tuning?: Partial<VerifyTuning>;
};

const HEAP_MIB = 256;

/** Verifies all projections against the log; one run at a time. */
export class Verifications {
  readonly #options: VerificationsOptions;
  readonly #states = new Map<string, VerifyState>();
  #under: Promise<void> | undefined;
  #thread: Worker | undefined;
  #stopping = false;

  constructor(options: VerificationsOptions) {
    this.#options = options;
  }

  /** Starts a run, or joins the current one. `heal` rebuilds projections that differ. */
  begin(heal: boolean): void {
    if (this.#stopping) throw new LedgerError("not_ready", "The service is stopping.");
    if (this.#under) return;
    for (const name of projectionNames) this.#states.set(name, newVerify(name));
    const work = async () => {
      await this.#compare();
      if (heal) await this.#heal();
    };
    this.#under = work().finally(() => {
      this.#under = undefined;
    });
  }

  running(): boolean {
    return this.#under !== undefined;
  }

  states(): readonly VerifyState[] {
    return [...this.#states.values()];
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#thread?.postMessage("stop");
    await this.#under;
  }

  async #compare(): Promise<void> {
    const { dir, shards, connectLog, logger, tuning } = this.#options;
    const logPort = connectLog();
    const workerData: VerifyThreadData = { dir, shards, logPort, tuning: { ...verifyTuning, ...tuning } };
    const worker = new Worker(new URL("./verify-thread.ts", import.meta.url), {
      workerData,
      transferList: [logPort],
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
    });
    this.#thread = worker;
    worker.on("message", (state: VerifyState) => {
      this.#states.set(state.projection, state);
    });
    const failed = once(worker, "error").then(([error]) => {
      logger.error({ err: error }, "the verification failed");
    });
    await Promise.race([once(worker, "exit"), failed]);
    this.#thread = undefined;
    for (const state of this.states()) {
      if (state.status === "running" || state.status === "waiting")
        this.#states.set(state.projection, { ...state, status: "failed", detail: "it ended before it was done" });
      else if (state.result && state.result.verdict !== "equal")
        logger.error({ ...state.result, projection: state.projection }, "a projection differs from the log");
    }
  }

  async #heal(): Promise<void> {
    for (const state of this.states()) {
      const { projection, result } = state;
      if (!result || result.verdict === "equal" || this.#stopping) continue;
      const told = (change: Partial<VerifyState>) => this.#states.set(projection, { ...state, ...change });
      told({ status: "running", detail: "being rebuilt" });
      const fault = await (result.verdict === "differs" ? this.#rebuild(projection) : this.#buildAnew(projection));
      if (fault === null) told({ healed: true, detail: `${state.detail}; rebuilt` });
      else told({ status: "failed", detail: `${state.detail}; ${fault}` });
    }
  }

  /** Returns why it failed; null on success. */
  async #rebuild(projection: string): Promise<string | null> {
    const { projections } = this.#options;
    projections.rebuild(projection);
    await this.#until(() => projections.rebuildState(projection)?.status !== "running");
    const state = projections.rebuildState(projection);
    return state?.status === "done" ? null : (state?.detail ?? "it was given up");
  }

  /** Sets the whole file aside and waits until its replacement has caught up. */
  async #buildAnew(projection: string): Promise<string | null> {
    const { projections, shards } = this.#options;
    const { name: store } = fileOf(projection);
    const before = projections.setAside(store);
    const at = Array.from({ length: shards }, (_, shard) => projections.revision(projection, shard));
    await this.#until(() => {
      if (projections.setAside(store) === before) projections.damaged(store, "ledger verify found it damaged");
      return projections.setAside(store) > before;
    });
    await this.#until(() => at.every((revision, shard) => projections.revision(projection, shard) >= revision));
    return this.#stopping ? "it was given up" : null;
  }

  async #until(fits: () => boolean): Promise<void> {
    while (!this.#stopping && !fits()) await nextMove(this.#options.projections);
  }
}
