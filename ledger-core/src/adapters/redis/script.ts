import { hash } from "node:crypto";

/** A Lua script, which Redis runs as one step; all of its keys must have the same hash tag. */
export type RedisScript = { readonly text: string; readonly sha: string };

export function redisScript(text: string): RedisScript {
  return { text, sha: hash("sha1", text) };
}
