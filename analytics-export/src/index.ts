export { exportService } from "./main.ts";
export { openExport } from "./open.ts";
export { exportPart } from "./settings.ts";
export { exportTables } from "./tables/tables.ts";
export { unusedFiles } from "./verification/unused-files.ts";
export { type LakeComparison, verifyTable } from "./verification/verify.ts";
