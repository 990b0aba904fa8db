export { openExport } from "./open.ts";
export { exportTables } from "./tables/tables.ts";
export { unusedFiles } from "./verification/unused-files.ts";
export { type LakeComparison, verifyTable } from "./verification/verify.ts";
