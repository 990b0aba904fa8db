import { execFile } from "node:child_process";
import { chmod, chown, mkdir, mkdtemp, readdir, writeFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { MysqlConnection } from "../../adapters/mysql/mysql.ts";
import { makeCertificates } from "./certificates.ts";
import { type ChildEngine, freePort, startChildEngine } from "./child-engine.ts";
import { type EngineKind, findProgram } from "./engine.ts";

const run = promisify(execFile);

export type MariadbBinaries = { readonly server: string; readonly install: string };

/** MariaDB from Debian's packages: only the server's programs, without a system service. */
export const mariadbKind: EngineKind<MariadbBinaries> = {
  name: "MariaDB",
  variable: "MARIADB_URL",
  urlForm: "mysql://user:password@host:port/?ca=FILE",
  image: "mariadb:10.11",
  programs: {
    mariadbd: "mariadb-server-core",
    my_print_defaults: "mariadb-client-core",
    openssl: "openssl",
  },
  describe: ({ server }) => server,
  async find() {
    const [server, openssl] = [await findProgram("mariadbd"), await findProgram("openssl")];
    const install = await findProgram("mariadb-install-db");
    return server && install && openssl ? { server, install } : undefined;
  },
};

export type Served = { readonly engine: ChildEngine; readonly connection: MysqlServer };

/** A server and a user on it. */
export type MysqlServer = Omit<MysqlConnection, "database">;

/** A folder from which a MariaDB can be started, again and again until it is stopped in order. */
export type PreparedMariadb = { readonly folder: string; readonly port: number; readonly ca: string };

export type PrepareOptions = {
  /** The name in its certificate; mysql2 expects localhost when it connects to an address. */
  readonly certifiedHost?: string;
  /** A prepared folder, never started, to copy data and certificates from: faster than installing them again. */
  readonly copyOf?: PreparedMariadb;
  /** Further lines of its settings. */
  readonly settings?: readonly string[];
  /** Further statements at each start, such as those that create users; they are not replicated. */
  readonly statements?: readonly string[];
};

/** The user that may do everything, also write on a replica. */
const admin = { user: "payledger", password: "for-tests-only" };

/** A private MariaDB with its own folder for data, socket and certificates; it accepts only TLS connections. */
export async function startMariadbProcess(binaries: MariadbBinaries, certifiedHost = "localhost"): Promise<Served> {
  const prepared = await prepareMariadb(binaries, { certifiedHost });
  return { engine: await runMariadb(binaries, prepared), connection: serverOf(prepared, admin) };
}

/** How to connect to a prepared server as one of its users; as the one that may do everything, if none is named. */
export function serverOf({ port, ca }: PreparedMariadb, user = admin): MysqlServer {
  return { host: "127.0.0.1", port, ...user, tls: { ca } };
}

export async function prepareMariadb({ install }: MariadbBinaries, options: PrepareOptions): Promise<PreparedMariadb> {
  const { certifiedHost = "localhost", copyOf, statements = [] } = options;
  const folder = await mkdtemp(join(tmpdir(), "payledger-mariadb-"));
  if (copyOf) await run("cp", ["-a", `${copyOf.folder}/.`, folder]);
  else for (const name of ["data", "tmp"]) await mkdir(join(folder, name));
  // A replica connects to its primary by address.
  const addresses = certifiedHost === "localhost" ? ["127.0.0.1"] : [];
  const ca = copyOf?.ca ?? (await makeCertificates(folder, certifiedHost, addresses)).ca;
  const port = await freePort();
  const users = [
    "SET sql_log_bin = 0;",
    `CREATE USER IF NOT EXISTS '${admin.user}'@'127.0.0.1' IDENTIFIED BY '${admin.password}' REQUIRE SSL;`,
    `GRANT ALL ON *.* TO '${admin.user}'@'127.0.0.1' WITH GRANT OPTION;`,
    ...statements,
  ];
  await writeFile(join(folder, "users.sql"), `${users.join("\n")}\n`);
  await writeFile(settingsFile(folder), settingsText(folder, port, options.settings ?? []));
  const owner = await ownerOfFiles(folder);
  const settings = `--defaults-file=${settingsFile(folder)}`;
  const plainly = ["--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"];
  if (!copyOf) await run(install, [settings, ...owner, ...plainly]);
  return { folder, port, ca };
}

/** Starts a prepared server, or starts it again after it was killed. */
export async function runMariadb({ server }: MariadbBinaries, { folder }: PreparedMariadb): Promise<ChildEngine> {
  const args = [`--defaults-file=${settingsFile(folder)}`, ...(await ownerOfFiles(folder))];
  return startChildEngine({ command: server, args, folder, ready: /ready for connections/, readyMs: 60_000 });
}

function settingsFile(folder: string): string {
  return join(folder, "mariadb.cnf");
}

/** A server that starts removes the temporary tables in `tmpdir`, those of other servers included. */
function settingsText(folder: string, port: number, further: readonly string[]): string {
  return `[mariadbd]
datadir=${folder}/data
tmpdir=${folder}/tmp
socket=${folder}/mariadb.sock
pid-file=${folder}/mariadb.pid
init-file=${folder}/users.sql
port=${port}
bind-address=127.0.0.1
skip-name-resolve=ON
character-set-server=utf8mb4
collation-server=utf8mb4_unicode_ci
innodb-buffer-pool-size=64M
innodb-log-file-size=8M
performance-schema=OFF
ssl-ca=${folder}/ca.pem
ssl-cert=${folder}/server.pem
ssl-key=${folder}/server.key
tls-version=TLSv1.2,TLSv1.3
${further.join("\n")}
`;
}

/** MariaDB refuses to run as root; it then runs as `nobody`, which owns its files. */
async function ownerOfFiles(folder: string): Promise<readonly string[]> {
  if (userInfo().uid !== 0) return [];
  const { stdout } = await run("id", ["-u", "nobody"]);
  const uid = Number(stdout);
  await chmod(folder, 0o700);
  for (const name of ["", ...(await readdir(folder))]) await chown(join(folder, name), uid, -1);
  return ["--user=nobody"];
}
