export { makeDataFiles } from "./delta/data-file.ts";
export { DeltaTable } from "./delta/table.ts";
export { startExporter } from "./exporter.ts";
export { openExport } from "./open.ts";
export { embeddedEnvironment, exportPart } from "./settings.ts";
export { exportTables } from "./tables/tables.ts";
export { type TableStatus, tableStatus } from "./verification/table-status.ts";
export { unusedFiles } from "./verification/unused-files.ts";
export { type LakeComparison, verifyTable } from "./verification/verify.ts";
