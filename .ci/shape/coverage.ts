import { Session } from "node:inspector/promises";
import { fileURLToPath } from "node:url";
import { isMainThread, threadId } from "node:worker_threads";
import type { EnteredFunction } from "./path.ts";

/*
 * Loaded before the server in each of its threads: counts the calls of every function, and tells the process that
 * started the server which were called since it last asked.
 */
export type CoverageAnswer = {
  readonly round: number;
  readonly thread: number;
  readonly functions: readonly EnteredFunction[];
};

const root = process.env.SHAPE_ROOT ?? "";
const session = new Session();
session.connect();
await session.post("Profiler.enable");
await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });

const questions = new BroadcastChannel("shape-questions");
const answers = new BroadcastChannel("shape-answers");
questions.unref();
answers.unref();
questions.onmessage = ({ data }) => void take(data).then((answer) => answers.postMessage(answer));
if (isMainThread) {
  process.on("message", (round) => {
    questions.postMessage(round);
    void take(Number(round)).then((answer) => process.send?.(answer));
  });
  process.channel?.unref();
  answers.onmessage = ({ data }) => process.send?.(data);
}

/** The functions of our sources that were called since the last take; taking resets the counts. */
async function take(round: number): Promise<CoverageAnswer> {
  const { result } = await session.post("Profiler.takePreciseCoverage");
  const functions = result.flatMap(({ url, functions }) => {
    if (!url.startsWith(`file://${root}/`) || url.includes("/node_modules/") || url.includes("/.ci/")) return [];
    const file = fileURLToPath(url).slice(root.length + 1);
    const called = functions.filter(
      ({ ranges: [range] }) => range !== undefined && range.count > 0 && range.startOffset > 0,
    );
    return called.map(({ functionName, ranges }) => ({ file, start: ranges[0]?.startOffset ?? 0, name: functionName }));
  });
  return { round, thread: threadId, functions };
}
