import { spawn } from "node:child_process";
import { once } from "node:events";
import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { type EngineKind, findProgram } from "../engine.ts";

/** `server` may be Debian's redis-check-rdb: the same program, which serves when it is called redis-server. */
export type RedisPrograms = { readonly server: string };

/** Redis 7 from Debian: `redis-tools` has the server's program, without a system service. */
export const redisKind: EngineKind<RedisPrograms> = {
  name: "Redis",
  variable: "REDIS_URL",
  urlForm: "redis://user:password@host:port/?ca=FILE",
  image: "redis:7-bookworm",
  programs: { "redis-check-rdb": "redis-tools", openssl: "openssl" },
  describe: ({ server }) => server,
  async find() {
    const [server, openssl] = [await findProgram("redis-server", "redis-check-rdb"), await findProgram("openssl")];
    return server && openssl && (await isServer(server)) ? { server } : undefined;
  },
};

/** Links the server into a folder under its own name, since it behaves by the name it is called by. */
export async function linkServer({ server }: RedisPrograms, folder: string): Promise<string> {
  const path = join(folder, "redis-server");
  await symlink(server, path);
  return path;
}

/** Whether a program is Redis 7 or later; some packages have a redis-check-rdb that is not the server. */
async function isServer(program: string): Promise<boolean> {
  const child = spawn(program, ["--version"], { argv0: "redis-server", stdio: ["ignore", "pipe", "ignore"] });
  const closed = once(child, "close");
  const version = await text(child.stdout);
  await closed;
  return Number(/ v=(\d+)/.exec(version)?.[1] ?? 0) >= 7;
}
