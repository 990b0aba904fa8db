import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * The address of the server on a data folder, for client commands. The server may be gone, since kill -9 leaves the
 * file.
 */
type ServerFile = { readonly url: string; readonly pid: number };

export function writeServerFile(dir: string, server: ServerFile): void {
  const draft = join(dir, "server.json.new");
  writeFileSync(draft, `${JSON.stringify(server)}\n`);
  renameSync(draft, join(dir, "server.json"));
}

export function removeServerFile(dir: string): void {
  rmSync(join(dir, "server.json"), { force: true });
}

/** Undefined if no server has written one, or it cannot be read. */
export function readServerFile(dir: string): ServerFile | undefined {
  try {
    const content: unknown = JSON.parse(readFileSync(join(dir, "server.json"), "utf8"));
    if (typeof content !== "object" || content === null || !("url" in content) || !("pid" in content)) return undefined;
    const { url, pid } = content;
    return typeof url === "string" && typeof pid === "number" ? { url, pid } : undefined;
  } catch {
    return undefined;
  }
}
