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

export type Served = { readonly engine: ChildEngine; readonly connection: Omit<MysqlConnection, "database"> };

/**
 * A private MariaDB with its own folder for data, socket and certificates; it accepts only TLS connections.
 * `certifiedHost` is the name in its certificate; mysql2 expects localhost when it connects to an address.
 */
export async function startMariadbProcess(
  { server, install }: MariadbBinaries,
  certifiedHost = "localhost",
): Promise<Served> {
  const folder = await mkdtemp(join(tmpdir(), "payledger-mariadb-"));
  const data = join(folder, "data");
  await mkdir(data);
  const { ca, files } = await makeCertificates(folder, certifiedHost);
  const user = "payledger";
  const password = "for-tests-only";
  const port = await freePort();
  const settings = join(folder, "mariadb.cnf");
  await writeFile(
    join(folder, "users.sql"),
    [
      `CREATE USER '${user}'@'127.0.0.1' IDENTIFIED BY '${password}' REQUIRE SSL;`,
      `GRANT ALL ON *.* TO '${user}'@'127.0.0.1' WITH GRANT OPTION;`,
      "",
    ].join("\n"),
  );
  await writeFile(settings, settingsText(folder, port, files));
  const owner = await ownerOfFiles(folder);
  await run(install, [
    `--defaults-file=${settings}`,
    ...owner,
    "--auth-root-authentication-method=normal",
    "--skip-test-db",
    "--skip-name-resolve",
  ]);
  const engine = await startChildEngine({
    command: server,
    args: [`--defaults-file=${settings}`, ...owner],
    folder,
    ready: /ready for connections/,
    readyMs: 60_000,
  });
  return { engine, connection: { host: "127.0.0.1", port, user, password, tls: { ca } } };
}

function settingsText(folder: string, port: number, files: { ca: string; certificate: string; key: string }): string {
  return `[mariadbd]
datadir=${folder}/data
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
ssl-ca=${files.ca}
ssl-cert=${files.certificate}
ssl-key=${files.key}
tls-version=TLSv1.2,TLSv1.3
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
