import type { MessagePort } from "node:worker_threads";
import type { QueryRunner } from "../query.ts";
import { type QueryOrder, type QueryReport, toQueryFault } from "./messages.ts";

type ServedQueries = {
  readonly run: QueryRunner;
  /** Reopens the stores' files. */
  reopen(): Promise<void>;
  close(): Promise<void>;
};

/** Answers the queries that arrive on a port, one after another. */
export function serveQueryThread(port: MessagePort, { run, reopen, close }: ServedQueries): void {
  const tell = (report: QueryReport, transfer: ArrayBuffer[] = []) => port.postMessage(report, transfer);
  let turn: Promise<void> = Promise.resolve();
  port.on("message", (order: QueryOrder) => {
    turn = turn.then(() => obey(order));
  });
  tell({ kind: "ready" });

  async function obey(order: QueryOrder): Promise<void> {
    switch (order.kind) {
      case "query":
        return answer(order);
      case "reopen":
        return reopen();
      case "close":
        await close();
        return port.close();
      default:
        return order satisfies never;
    }
  }

  async function answer({ call, query }: Extract<QueryOrder, { kind: "query" }>): Promise<void> {
    try {
      const outcome = await run(query);
      tell({ kind: "outcome", call, outcome }, outcome.kind === "answer" ? [outcome.body.buffer] : []);
    } catch (error) {
      tell({ kind: "fault", call, fault: toQueryFault(error) });
    }
  }
}
