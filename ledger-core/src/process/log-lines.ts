import { write, writeSync } from "node:fs";

/** Where log lines go. */
export type LogLines = { write(line: string): void };

const RETRY_MS = 100;

/**
 * Writes lines to a file descriptor in the background: a slow or full disk, or a reader that is stuck or gone, holds up
 * nothing and ends nothing. Lines beyond `waitingMax` characters, and lines that cannot be written, are lost.
 */
export function openLogLines(fd: number, waitingMax = 4 * 2 ** 20): LogLines {
  let waiting = "";
  let underWay: Buffer | undefined;
  let starting = false;

  function start(): void {
    starting = false;
    if (underWay !== undefined || waiting === "") return;
    underWay = Buffer.from(waiting);
    waiting = "";
    put(underWay);
  }

  function put(bytes: Buffer): void {
    write(fd, bytes, (error, count) => {
      if (error?.code === "EAGAIN") {
        setTimeout(put, RETRY_MS, bytes);
      } else if (!error && count < bytes.length) {
        put(bytes.subarray(count));
      } else {
        underWay = undefined;
        start();
      }
    });
  }

  // Lines of the last turn before `process.exit` have not been started on.
  process.once("exit", () => {
    try {
      writeSync(fd, waiting);
    } catch {
      // There is nowhere to say so.
    }
  });
  return {
    write(line) {
      if (waiting.length + line.length > waitingMax) return;
      waiting += line;
      if (starting || underWay !== undefined) return;
      starting = true;
      setImmediate(start);
    },
  };
}
