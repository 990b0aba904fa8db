import { parentPort, workerData } from "node:worker_threads";
import { LedgerError } from "ledger-core";
import { diskFiles, keyFault } from "./disk-storage.ts";
import { doKeyWork, type KeyReply, type KeyRequest, type KeyWork } from "./key-work.ts";

/** The thread of `openDiskStorage`. An error that does not come from the disk is a bug, and ends the thread. */
const { folder }: { folder: string } = workerData;
const files = diskFiles(folder);

parentPort?.on("message", (work: KeyRequest) => {
  if (work.kind === "close") {
    parentPort?.close();
    return;
  }
  const reply = attempt(work);
  const memory =
    "parts" in reply
      ? reply.parts.flatMap(({ index }) => [index.fences.buffer, ...index.layers.map((layer) => layer.buffer)])
      : [];
  parentPort?.postMessage(reply, memory);
});

function attempt(work: KeyWork): KeyReply {
  try {
    return { parts: doKeyWork(files, work) };
  } catch (error) {
    const fault = keyFault(error);
    if (!(fault instanceof LedgerError)) throw fault;
    return { code: fault.code, message: fault.message, retryable: fault.retryable };
  }
}
