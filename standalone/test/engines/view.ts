import { at, listAt } from "../json.ts";

/** A process shown in the view. */
export type ShownProcess = {
  readonly name: string;
  readonly pid: number;
  /** Base URL of its /readyz. */
  readonly operations: string;
  /** How it exited, if it did. */
  ended(): string | undefined;
};

/** One line per process: whether it is ready, and its checks with positions and lag. */
export async function viewLines(processes: readonly ShownProcess[]): Promise<readonly string[]> {
  const rows = await Promise.all(processes.map(describe));
  return [`${"process".padEnd(17)}${"pid".padEnd(9)}${"state".padEnd(11)}position and lag`, ...rows.flat()];
}

async function describe({ name, pid, operations, ended }: ShownProcess): Promise<readonly string[]> {
  const head = (state: string) => `${name.padEnd(17)}${String(pid).padEnd(9)}${state.padEnd(11)}`;
  const over = ended();
  if (over !== undefined) return [`${head("ENDED")}${over}`];
  try {
    const response = await fetch(`${operations}/readyz`, { signal: AbortSignal.timeout(1000) });
    const checks = listAt(await response.json(), "checks").map(
      (check) => `${at(check, "name")}: ${at(check, "ready") === true ? "" : "NOT READY, "}${at(check, "detail")}`,
    );
    const [first = "", ...others] = checks;
    return [`${head(response.ok ? "ready" : "not ready")}${first}`, ...others.map((check) => " ".repeat(37) + check)];
  } catch {
    return [`${head("no answer")}`];
  }
}

const EVERY_MS = 1000;

/** Refreshes the view on a terminal; elsewhere prints it whenever it changes. Returns a function that stops it. */
export function showProcesses(top: readonly string[], processes: readonly ShownProcess[]): () => void {
  const terminal = process.stdout.isTTY;
  let shown = "";
  let busy = false;
  const draw = async () => {
    if (busy) return;
    busy = true;
    const text = [...top, "", ...(await viewLines(processes)), ""].join("\n");
    busy = false;
    if (!terminal && text === shown) return;
    shown = text;
    process.stdout.write(terminal ? `\x1b[H\x1b[2J${text}` : text);
  };
  void draw();
  const timer = setInterval(() => void draw(), EVERY_MS);
  return () => clearInterval(timer);
}
