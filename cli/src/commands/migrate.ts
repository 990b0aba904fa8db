import { Command } from "commander";
import { isLedgerError, LedgerError } from "ledger-core";
import { type MysqlTarget, readConfiguration, readModelPart } from "ledger-core/process";
import { connectMysql, mysqlConnection, requireLayout, translateStoreErrors } from "ledger-core/sql";
import { dropOtherModels, migrateServerModels } from "projection-workers";
import { createOutput, exitCodes } from "../output.ts";

const examples = `
READ_MODEL and its companions name the database; docs/configuration.md describes them. Run it before the services of a
new version start: those of the former version go on with their own tables. Once no service of the former version runs
any more, --drop-others removes its tables.

Examples:
  READ_MODEL=mysql://primary.internal:3306/ledger ledger migrate
  ledger migrate --check
  ledger migrate --drop-others

Exit codes: 0 done, or nothing to do; 1 failed; 2 settings that cannot be used; 3 --check: the tables are not there.`;

type Flags = { readonly check?: true; readonly dropOthers?: true; readonly json?: true };

type Outcome = { readonly document: object; readonly lines: readonly string[]; readonly code: number };

/** `ledger migrate`: the tables of the read models on a server. */
export function migrateCommand(finish: (code: number) => void): Command {
  return new Command("migrate")
    .description("create this version's tables of the read models on a MySQL server")
    .option("--check", "only tell whether they are there")
    .option("--drop-others", "drop the tables of other versions, once this version's are complete")
    .option("--json", "print one JSON document")
    .addHelpText("after", examples)
    .action(async (flags: Flags) => {
      const output = createOutput(flags.json ?? false);
      try {
        const { target } = readConfiguration({ target: readModelPart });
        const { document, lines, code } =
          target.kind === "mysql" ? await migrate(target, flags) : embedded(target.file);
        output.result(document, lines);
        finish(code);
      } catch (error) {
        if (!isLedgerError(error)) throw error;
        output.result({ error: error.code, detail: error.message }, [error.message]);
        finish(error.code === "config" ? exitCodes.usage : exitCodes.failure);
      }
    });
}

function embedded(file: string): Outcome {
  const detail = `the read models are in ${file}, whose tables are made when it is opened`;
  return { document: { layout: null, detail }, lines: [detail], code: exitCodes.ok };
}

async function migrate(target: MysqlTarget, { check, dropOthers }: Flags): Promise<Outcome> {
  const db = connectMysql(mysqlConnection(target));
  try {
    if (check) return await checkLayout(db);
    if (dropOthers) {
      const dropped = await dropOtherModels(db);
      const line = dropped.length > 0 ? `dropped ${dropped.join(", ")}` : "there are no tables of other versions";
      return { document: { dropped }, lines: [line], code: exitCodes.ok };
    }
    const { layout, created, others } = await migrateServerModels(db);
    const beside = others.length > 0 ? `, beside ${others.join(", ")}` : "";
    const line = `${layout} ${created ? "is created" : "is there already"} in ${target.database}${beside}`;
    return { document: { layout, created, others }, lines: [line], code: exitCodes.ok };
  } finally {
    await db.destroy();
  }
}

async function checkLayout(db: ReturnType<typeof connectMysql>): Promise<Outcome> {
  try {
    const { name, complete } = await translateStoreErrors("read models", () => requireLayout(db));
    const line = `${name} is there, and ${complete === 1 ? "complete" : "not complete yet: projections build it"}`;
    return { document: { layout: name, complete: complete === 1 }, lines: [line], code: exitCodes.ok };
  } catch (error) {
    if (!(error instanceof LedgerError) || (error.code !== "incompatible" && error.code !== "not_ready")) throw error;
    const document = { layout: null, detail: error.message };
    return { document, lines: [error.message], code: exitCodes.checkNotMet };
  }
}
