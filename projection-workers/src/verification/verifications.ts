import { once } from "node:events";
import { type MessagePort, Worker } from "node:worker_threads";
import { LedgerError } from "ledger-core";
import type { Logger } from "ledger-core/process";
import { fileOf, projectionNames } from "../projections/list.ts";
import { nextMove } from "../running/board.ts";
import type { ProjectionThread } from "../running/projection-thread.ts";
import { newVerify, type VerifyState, type VerifyTuning, verifyTuning } from "./verification.ts";
import type { VerifyThreadData } from "./verify-thread.ts";

/** Verifies all projections against the log; one run at a time. */
export type Verifications = {
  /** Starts a run, or joins the current one. `heal` rebuilds projections that differ. */
  begin(heal: boolean): void;
  running(): boolean;
  states(): readonly VerifyState[];
  stop(): Promise<void>;
};

export type VerificationsOptions = {
  /** The folder of the files of read models. */
  readonly dir: string;
  readonly shards: number;
  readonly connectLog: () => MessagePort;
  readonly projections: ProjectionThread;
  readonly logger: Logger;
  readonly tuning?: Partial<VerifyTuning>;
};

const HEAP_MIB = 256;

export function openVerifications(options: VerificationsOptions): Verifications {
  const { dir, shards, projections, logger } = options;
  const states = new Map<string, VerifyState>();
  let under: Promise<void> | undefined;
  let thread: Worker | undefined;
  let stopping = false;

  async function compare(): Promise<void> {
    const logPort = options.connectLog();
    const workerData: VerifyThreadData = { dir, shards, logPort, tuning: { ...verifyTuning, ...options.tuning } };
    const worker = new Worker(new URL("./verify-thread.ts", import.meta.url), {
      workerData,
      transferList: [logPort],
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
    });
    thread = worker;
    worker.on("message", (state: VerifyState) => {
      states.set(state.projection, state);
    });
    const failed = once(worker, "error").then(([error]) => {
      logger.error({ err: error }, "the verification failed");
    });
    await Promise.race([once(worker, "exit"), failed]);
    thread = undefined;
    for (const state of states.values()) {
      if (state.status === "running" || state.status === "waiting")
        states.set(state.projection, { ...state, status: "failed", detail: "it ended before it was done" });
      else if (state.result && state.result.verdict !== "equal")
        logger.error({ ...state.result, projection: state.projection }, "a projection is not what the log comes to");
    }
  }

  async function heal(): Promise<void> {
    for (const state of states.values()) {
      const { projection, result } = state;
      if (!result || result.verdict === "equal" || stopping) continue;
      const told = (change: Partial<VerifyState>) => states.set(projection, { ...state, ...change });
      told({ status: "running", detail: "being built anew" });
      const fault = await (result.verdict === "differs" ? rebuilt(projection) : builtAnew(projection));
      if (fault === null) told({ healed: true, detail: `${state.detail}; built anew` });
      else told({ status: "failed", detail: `${state.detail}; ${fault}` });
    }
  }

  /** Returns why it failed; null on success. */
  async function rebuilt(projection: string): Promise<string | null> {
    projections.rebuild(projection);
    await until(() => projections.rebuildState(projection)?.status !== "running");
    const state = projections.rebuildState(projection);
    return state?.status === "done" ? null : (state?.detail ?? "it was given up");
  }

  /** Sets the whole file aside and waits until its replacement has caught up. */
  async function builtAnew(projection: string): Promise<string | null> {
    const { name: store } = fileOf(projection);
    const before = projections.setAside(store);
    const at = Array.from({ length: shards }, (_, shard) => projections.revision(projection, shard));
    await until(() => {
      if (projections.setAside(store) === before) projections.damaged(store, "ledger verify found it damaged");
      return projections.setAside(store) > before;
    });
    await until(() => at.every((revision, shard) => projections.revision(projection, shard) >= revision));
    return stopping ? "it was given up" : null;
  }

  async function until(fits: () => boolean): Promise<void> {
    while (!stopping && !fits()) await nextMove(projections);
  }

  return {
    begin(healing) {
      if (stopping) throw new LedgerError("not_ready", "The service is stopping.");
      if (under) return;
      for (const name of projectionNames) states.set(name, newVerify(name));
      const work = async () => {
        await compare();
        if (healing) await heal();
      };
      under = work().finally(() => {
        under = undefined;
      });
    },
    running: () => under !== undefined,
    states: () => [...states.values()],
    async stop() {
      stopping = true;
      thread?.postMessage("stop");
      await under;
    },
  };
}
