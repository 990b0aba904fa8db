import { randomBytes } from "node:crypto";
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { createSigningKeys, formatSigningKeys, parseSigningKeys, type SigningKeys } from "ledger-core/http/tokens";
import { dataPaths } from "ledger-core/process/data-paths";
import { StartFault, startFaultOf } from "./start-fault.ts";

/** The layout of a data folder. A newer number is refused; an older one would be carried over here. */
const FOLDER_FORMAT = 1;
const CURSOR_KEY_BYTES = 32;
const EXPORT_KEY_BYTES = 32;

/** A ledger's folder: the paths of its files, and its keys. */
export type DataFolder = {
  readonly dir: string;
  readonly signingKeys: SigningKeys;
  /** Signs the cursors of lists, so that clients cannot forge them. */
  readonly cursorKey: Buffer;
  readonly events: string;
  readonly state: string;
  readonly revocations: string;
  readonly models: string;
  readonly views: string;
};

/**
 * Opens a data folder, and creates it if there is none, unless `make` is false. Takes no lock, since tokens are made
 * while the server runs.
 * @throws StartFault folder_absent (only when `make` is false), folder_damaged, folder_newer, folder_unwritable
 */
export async function openDataFolder(dir: string, { make = true } = {}): Promise<DataFolder> {
  try {
    if (!make && !existsSync(join(dir, "payledger.json"))) {
      throw new StartFault("folder_absent", `${dir} is not a ledger's data folder, and no other was named`);
    }
    mkdirSync(join(dir, "keys"), { recursive: true, mode: 0o700 });
    syncFolder(dir);
    accessSync(dir, constants.W_OK);
    checkManifest(dir);
    const paths = dataPaths(dir);
    const signing = secretFile(paths.tokenKey, formatSigningKeys(await createSigningKeys()));
    const cursor = secretFile(paths.cursorKey, `${randomBytes(CURSOR_KEY_BYTES).toString("base64url")}\n`);
    // Read where the tables are written.
    secretFile(paths.exportKey, `${randomBytes(EXPORT_KEY_BYTES).toString("base64url")}\n`);
    const signingKeys = parseSigningKeys(signing);
    const cursorKey = Buffer.from(cursor.trim(), "base64url");
    if (!signingKeys) throw new StartFault("folder_damaged", `${paths.tokenKey} is no key`);
    if (cursorKey.length !== CURSOR_KEY_BYTES) {
      throw new StartFault("folder_damaged", `${paths.cursorKey} is no key`);
    }
    return {
      ...{ dir, signingKeys, cursorKey },
      ...{ events: paths.events, models: paths.models, views: paths.views, state: paths.state },
      revocations: paths.revocations,
    };
  } catch (error) {
    throw startFaultOf(error, { dataDir: dir });
  }
}

/**
 * Files that a new folder may hold: hidden ones, a file system's own, and leftovers of a start that was killed at once.
 */
const harmless = /^(?:\..*|keys|lost\+found|payledger\.json\..+)$/;

/** A folder without a manifest is new only if it holds nothing else: the ledger never moves in beside other files. */
function checkManifest(dir: string): void {
  const path = join(dir, "payledger.json");
  if (!existsSync(path)) {
    const others = readdirSync(dir).filter((name) => !harmless.test(name));
    if (others.length > 0) {
      const detail = `${dir} holds ${others.slice(0, 3).join(", ")} but no payledger.json`;
      throw new StartFault("folder_damaged", `${detail}: it is not a ledger's folder, or a damaged one`);
    }
    const manifest = { format: FOLDER_FORMAT, created: new Date().toISOString() };
    secretFile(path, `${JSON.stringify(manifest)}\n`);
    return;
  }
  const format = formatOf(readFileSync(path, "utf8"));
  if (format === undefined) throw new StartFault("folder_damaged", `${path} cannot be read: the folder is damaged`);
  if (format > FOLDER_FORMAT) {
    const detail = `${dir} has format ${format}, and this version knows ${FOLDER_FORMAT}`;
    throw new StartFault("folder_newer", `${detail}: it was written by a newer version; use that one`);
  }
}

function formatOf(text: string): number | undefined {
  try {
    const manifest: unknown = JSON.parse(text);
    const format = typeof manifest === "object" && manifest && "format" in manifest ? manifest.format : undefined;
    return typeof format === "number" && Number.isInteger(format) && format >= 1 ? format : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Makes the names in a folder durable: if a crash lost a key file, every token and cursor signed with it would be void.
 */
function syncFolder(dir: string): void {
  const folder = openSync(dir, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/**
 * The content of a file that is created once, atomically and durably, and never changed: of two concurrent creators one
 * wins, and both read its content.
 */
function secretFile(path: string, content: string): string {
  if (existsSync(path)) return readFileSync(path, "utf8");
  const draft = `${path}.${process.pid}.${randomBytes(4).toString("hex")}`;
  const file = openSync(draft, "wx", 0o600);
  try {
    writeSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  try {
    linkSync(draft, path);
  } catch (error) {
    if (!existsSync(path)) throw error;
  } finally {
    rmSync(draft);
  }
  syncFolder(dirname(path));
  return readFileSync(path, "utf8");
}
