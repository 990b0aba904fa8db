import { assert, LedgerError, NO_REVISION, type ProjectionTarget, type Revision, type Shard } from "ledger-core";
import type { Lake } from "../ports/lake.ts";
import { type Action, commitPath, type MetaData, PARQUET, PROTOCOL } from "./actions.ts";
import { startBatch, type TableBatch } from "./batch.ts";
import { deltaSchema, type Row, type TableShape } from "./columns.ts";
import { commitTo } from "./commit.ts";
import { type LogState, readLog, readOn } from "./log.ts";
import { type MaintenanceTuning, maintain, maintenanceTuning } from "./maintenance.ts";

export type DeltaTableOptions = {
  readonly lake: Lake;
  readonly shape: TableShape;
  /** A name that no other file of the lake has. */
  readonly uniqueName: () => string;
  readonly nowMs: () => number;
  /** After how many commits small files are merged and a checkpoint is written. 1 to 10,000. Default 100. */
  readonly checkpointEvery?: number;
  /** Each field states its default. */
  readonly maintenance?: Partial<MaintenanceTuning>;
};

/**
 * A Delta table as a projection's target: a batch's rows and its checkpoint, the `txn` of its shard, are one commit. A
 * commit exists once its file was created, which succeeds for one writer only; files of a commit that was never made
 * are seen by nobody.
 */
export class DeltaTable implements ProjectionTarget<Row> {
  readonly #options: DeltaTableOptions;
  /** The log as far as it was read; undefined before the start and after any error, since its outcome is unknown. */
  #state: LogState | undefined;
  /** The version of the newest checkpoint that is known. */
  #checkpoint = -1;
  #work: Promise<unknown> = Promise.resolve();

  constructor(options: DeltaTableOptions) {
    this.#options = options;
  }

  checkpoint(shard: Shard): Promise<Revision> {
    return this.#oneAtATime(async () => this.#reached(await this.#current(), shard));
  }

  async apply(shard: Shard, after: Revision, upTo: Revision, rows: readonly Row[]): Promise<void> {
    const batch = startBatch(this.#options.shape);
    batch.add(rows);
    await this.commit(shard, after, upTo, batch);
  }

  /** Like `apply`, with the rows of a batch, which is empty then. */
  commit(shard: Shard, after: Revision, upTo: Revision, batch: TableBatch): Promise<void> {
    return this.#oneAtATime(async () => {
      const { shape, nowMs, uniqueName, checkpointEvery = 100 } = this.#options;
      const state = await this.#current();
      this.#expectAt(state, shard, after);
      const files = batch.files({ uniqueName, nowMs: nowMs() });
      for (const { path, bytes } of files) await this.#createNew(`${shape.name}/${path}`, bytes);
      const txn = { appId: this.#appId(shard), version: upTo };
      const actions: Action[] = [{ txn }, ...files.map(({ add }) => ({ add }))];
      await this.#commit(state, "STREAMING UPDATE", actions, () => this.#expectAt(state, shard, after));
      if (state.version >= this.#checkpoint + checkpointEvery) await this.#maintain();
    });
  }

  /** Shards of one table share its log: they commit one after another. */
  #oneAtATime<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#work.then(work).catch((error: unknown) => {
      this.#state = undefined;
      throw error;
    });
    this.#work = result.catch(() => undefined);
    return result;
  }

  #appId(shard: Shard): string {
    return `payledger/${this.#options.shape.name}/${shard}`;
  }

  #reached({ snapshot }: LogState, shard: Shard): Revision {
    return snapshot.txns.get(this.#appId(shard)) ?? NO_REVISION;
  }

  #expectAt(state: LogState, shard: Shard, after: Revision): void {
    const at = this.#reached(state, shard);
    if (at === after) return;
    const { name } = this.#options.shape;
    const text = `${name} holds shard ${shard} up to ${at}, and the rows to add follow ${after}`;
    throw new LedgerError("revision_gap", text, { position: { shard, revision: at + 1 } });
  }

  /** The newest state, commits of others included; the table is made if there is none. */
  async #current(): Promise<LogState> {
    const { lake, shape } = this.#options;
    if (this.#state && !(await this.#isThere(this.#state))) {
      this.#state = undefined;
      this.#checkpoint = -1;
    }
    if (this.#state) await readOn(lake, shape.name, this.#state);
    else this.#state = await readLog(lake, shape.name, { files: false });
    const state = this.#state;
    this.#checkpoint = Math.max(this.#checkpoint, state.checkpoint);
    // Commits need none of them, and maintenance reads them again.
    state.snapshot.adds.clear();
    state.snapshot.removes.clear();
    if (state.version < 0) await this.#create(state);
    await this.#fitSchema(state);
    return state;
  }

  /** Whether the table still has the newest commit that is known: someone may have removed it all. */
  async #isThere({ version }: LogState): Promise<boolean> {
    const { lake, shape } = this.#options;
    return version < 0 || (await lake.readPart(commitPath(shape.name, version), 0, 1)) !== undefined;
  }

  async #create(state: LogState): Promise<void> {
    const { shape, uniqueName, nowMs } = this.#options;
    const metaData: MetaData = {
      id: uniqueName(),
      format: PARQUET,
      schemaString: deltaSchema(shape),
      partitionColumns: [shape.partition],
      // The log of a ledger's history is kept whole, and nothing in it is ever taken back.
      configuration: {
        "delta.appendOnly": "true",
        "delta.enableExpiredLogCleanup": "false",
        "delta.deletedFileRetentionDuration": "interval 1 day",
      },
      createdTime: nowMs(),
    };
    await this.#commit(state, "CREATE TABLE", [{ protocol: PROTOCOL }, { metaData }], () => undefined);
  }

  /** Adds columns that the table does not have yet. @throws incompatible when it is not a table of this exporter */
  async #fitSchema(state: LogState): Promise<void> {
    const { shape } = this.#options;
    const { metaData, protocol } = state.snapshot;
    if (!metaData || !protocol)
      throw new LedgerError("store_damaged", `the log of ${shape.name} does not say what the table is`);
    const { minReaderVersion: reader, minWriterVersion: writer } = protocol;
    if (reader > PROTOCOL.minReaderVersion || writer > PROTOCOL.minWriterVersion)
      throw this.#foreign(`it demands reader version ${reader} and writer version ${writer} of the Delta protocol`);
    if (metaData.partitionColumns.join() !== shape.partition)
      throw this.#foreign(`it is partitioned by ${metaData.partitionColumns.join() || "nothing"}`);
    const ours = fieldsOf(deltaSchema(shape));
    const theirs = fieldsOf(metaData.schemaString);
    const differs = theirs.findIndex((field, index) => field !== ours[index]);
    if (differs >= ours.length) throw this.#foreign("it has columns of a newer exporter");
    if (differs >= 0) throw this.#foreign(`its column ${differs + 1} is ${theirs[differs]}, not ${ours[differs]}`);
    if (theirs.length === ours.length) return;
    const wider: MetaData = { ...metaData, schemaString: deltaSchema(shape) };
    await this.#commit(state, "ADD COLUMNS", [{ metaData: wider }], () => undefined);
  }

  #foreign(why: string): LedgerError {
    const { name } = this.#options.shape;
    const choice = "export into an empty folder, or with the version that wrote the table";
    return new LedgerError("incompatible", `table ${name} cannot be written: ${why}; ${choice}`);
  }

  async #maintain(): Promise<void> {
    const tuning = { ...maintenanceTuning, ...this.#options.maintenance };
    this.#checkpoint = await maintain({ ...this.#options, tuning });
  }

  async #commit(state: LogState, operation: string, actions: readonly Action[], stillFits: () => void): Promise<void> {
    const { lake, shape, nowMs } = this.#options;
    await commitTo(lake, shape.name, state, { operation, nowMs: nowMs(), actions, stillFits });
  }

  async #createNew(path: string, bytes: Uint8Array): Promise<void> {
    const created = await this.#options.lake.create(path, bytes);
    assert(created, `${path} is a name of its own`);
  }
}

/** A schema's columns as comparable texts. @throws LedgerError store_damaged */
function fieldsOf(schema: string): readonly string[] {
  try {
    const { fields }: { fields: readonly { name: unknown; type: unknown }[] } = JSON.parse(schema);
    return fields.map(({ name, type }) => `${name} ${typeof type === "string" ? type : "nested"}`);
  } catch (error) {
    throw new LedgerError("store_damaged", "the schema of the table cannot be read", { cause: error });
  }
}
