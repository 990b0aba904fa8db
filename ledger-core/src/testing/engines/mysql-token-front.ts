import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, connect as dial, type Socket } from "node:net";
import { createSecureContext, type TLSSocket, TLSSocket as TlsSocket, connect as tlsConnect } from "node:tls";
import { freePort } from "./child-engine.ts";
import type { MysqlServer } from "./mariadb-process.ts";

/**
 * In front of a real MariaDB: logs its clients in with tokens, as Azure Database for MySQL does by
 * mysql_clear_password, and then passes everything on.
 */
export type MysqlTokenFront = {
  readonly port: number;
  /** Every user and token that clients have sent. */
  readonly logins: readonly { readonly user: string; readonly token: string }[];
  /** Refuses a token from now on, and ends the connections that logged in with it. */
  expire(token: string): void;
  close(): Promise<void>;
};

export type TokenFrontOptions = {
  /** The server behind, and the user that everybody becomes there. */
  readonly server: MysqlServer;
  /** The certificate that clients see, in PEM. Without it, the front offers no TLS. */
  readonly certificate?: { readonly cert: string; readonly key: string };
  readonly accepts: (token: string) => boolean;
};

const SSL = 0x0800;
const CLEAR_PASSWORD = Buffer.from("\xfemysql_clear_password\0\0", "latin1");

export async function startMysqlTokenFront(options: TokenFrontOptions): Promise<MysqlTokenFront> {
  const logins: { user: string; token: string }[] = [];
  const expired = new Set<string>();
  const open = new Map<Socket, string>();
  const accepts = (user: string, token: string) => {
    logins.push({ user, token });
    return options.accepts(token) && !expired.has(token);
  };
  const server = createServer((client) => {
    open.set(client, "");
    client.on("close", () => open.delete(client)).on("error", () => client.destroy());
    serve(client, options, (user, token) => {
      open.set(client, token);
      return accepts(user, token);
    }).catch(() => client.destroy());
  });
  const port = await freePort();
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    port,
    logins,
    expire(token) {
      expired.add(token);
      for (const [client, used] of open) if (used === token) client.destroy();
    },
    async close() {
      const closed = once(server, "close");
      server.close();
      for (const client of open.keys()) client.destroy();
      await closed;
    },
  };
}

async function serve(
  client: Socket,
  { server, certificate }: TokenFrontOptions,
  accepts: (user: string, token: string) => boolean,
): Promise<void> {
  const behind = dial(server.port, server.host);
  client.on("close", () => behind.destroy());
  behind.on("error", () => client.destroy());
  const greeting = await packet(behind);
  if (!certificate) greeting.writeUInt16LE(capabilities(greeting).value & ~SSL, capabilities(greeting).at);
  client.write(framed(0, greeting));
  const request = await packet(client);
  if (!certificate) {
    // Without TLS, it asks for the token all the same.
    client.write(framed(2, CLEAR_PASSWORD));
    accepts("in clear", String(await packet(client)));
    return void client.destroy();
  }
  behind.write(framed(1, request));
  const encrypted = new TlsSocket(client, { isServer: true, secureContext: createSecureContext(certificate) });
  const onward = tlsConnect({ socket: behind, ca: server.tls?.ca, checkServerIdentity: () => undefined });
  for (const socket of [encrypted, onward]) socket.on("error", () => client.destroy());
  const login = await packet(encrypted);
  encrypted.write(framed(3, CLEAR_PASSWORD));
  const token = (await packet(encrypted)).toString().replace(/\0$/, "");
  const { user, rest } = parseLogin(login);
  if (!accepts(user, token)) {
    const refusal = Buffer.from("\xff\x15\x04#28000Access denied", "latin1");
    return void encrypted.end(framed(5, refusal));
  }
  const proof = nativePassword(server.password, seedOf(greeting));
  const name = Buffer.from(`${server.user}\0`);
  onward.write(framed(2, Buffer.concat([login.subarray(0, 32), name, Buffer.from([proof.length]), proof, rest])));
  encrypted.write(framed(5, await packet(onward)));
  pass(encrypted, onward);
}

function pass(one: TLSSocket, other: TLSSocket): void {
  one.pipe(other);
  other.pipe(one);
  one.on("close", () => other.destroy());
  other.on("close", () => one.destroy());
}

/** The payload of the next packet, of which the other side sends one at a time. */
async function packet(socket: Socket): Promise<Buffer> {
  for (;;) {
    const header: Buffer | null = socket.read(4);
    if (header) {
      for (;;) {
        const payload: Buffer | null = socket.read(header.readUIntLE(0, 3));
        if (payload) return payload;
        await readable(socket);
      }
    }
    await readable(socket);
  }
}

async function readable(socket: Socket): Promise<void> {
  const ended = new AbortController();
  const end = () => ended.abort();
  socket.once("close", end);
  try {
    await once(socket, "readable", { signal: ended.signal });
  } finally {
    socket.off("close", end);
  }
}

function framed(sequence: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(4);
  header.writeUIntLE(payload.length, 0, 3);
  header[3] = sequence;
  return Buffer.concat([header, payload]);
}

/** The lower capabilities of a greeting, which follow the version, the thread's id and eight bytes of the seed. */
function capabilities(greeting: Buffer): { readonly value: number; readonly at: number } {
  const at = greeting.indexOf(0, 1) + 1 + 4 + 8 + 1;
  return { value: greeting.readUInt16LE(at), at };
}

/** Twenty bytes in two parts. */
function seedOf(greeting: Buffer): Buffer {
  const first = greeting.indexOf(0, 1) + 1 + 4;
  const second = first + 8 + 1 + 2 + 1 + 2 + 2 + 1 + 10;
  return Buffer.concat([greeting.subarray(first, first + 8), greeting.subarray(second, second + 12)]);
}

/** The user of a login, and what follows its proof: the database and the rest. */
function parseLogin(login: Buffer): { readonly user: string; readonly rest: Buffer } {
  const end = login.indexOf(0, 32);
  return { user: login.toString("utf8", 32, end), rest: login.subarray(end + 2 + (login[end + 1] ?? 0)) };
}

function nativePassword(password: string, seed: Buffer): Buffer {
  const sha = (...parts: readonly Buffer[]) => createHash("sha1").update(Buffer.concat(parts)).digest();
  const once = sha(Buffer.from(password));
  const mask = sha(seed, sha(once));
  return Buffer.from(once.map((byte, n) => byte ^ (mask[n] ?? 0)));
}
