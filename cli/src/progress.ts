import type { Writable } from "node:stream";

/** Shows the progress of long work; never writes to stdout, which is for the result. */
export type Progress = {
  /** Starts a stage of `total` steps. */
  begin(stage: string, total: number): void;
  advance(steps: number): void;
  /** Prints a line that is not redrawn. */
  note(text: string): void;
  /** Ends the stage. */
  end(): void;
};

export type ProgressOptions = {
  readonly to: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly clock?: () => number;
};

const BAR_WIDTH = 30;
const REDRAW_MS = 100;
const LINE_MS = 2_000;

/**
 * A bar that redraws itself on a terminal; elsewhere, plain lines when a stage starts and ends, and every two seconds.
 */
export function createProgress({ to, clock = Date.now }: ProgressOptions): Progress {
  let stage = "";
  let total = 0;
  let done = 0;
  let lastMs = 0;
  const tty = to.isTTY === true;
  const show = () => to.write(tty ? `\r\x1b[2K${bar(stage, done, total)}` : `${stage}: ${done} of ${total}\n`);
  return {
    begin(name, steps) {
      [stage, total, done, lastMs] = [name, steps, 0, clock()];
      if (tty) show();
    },
    advance(steps) {
      done += steps;
      const now = clock();
      if (now - lastMs < (tty ? REDRAW_MS : LINE_MS)) return;
      lastMs = now;
      show();
    },
    note(text) {
      to.write(tty ? `\r\x1b[2K${text}\n` : `${text}\n`);
      if (tty && stage !== "") show();
    },
    end() {
      // Prints nothing for a stage without steps.
      if (total > 0) show();
      if (tty) to.write(total > 0 ? "\n" : "\r\x1b[2K");
      stage = "";
    },
  };
}

function bar(stage: string, done: number, total: number): string {
  const part = total === 0 ? 1 : Math.min(1, done / total);
  const full = Math.round(part * BAR_WIDTH);
  const percent = `${Math.floor(part * 100)}`.padStart(3);
  return `${stage.padEnd(18)} ${"█".repeat(full)}${"░".repeat(BAR_WIDTH - full)} ${percent} %  ${done}/${total}`;
}
