export { embeddedExportCheck, measureExport } from "../readiness.ts";
export { embeddedEnvironment, exportPart } from "../settings.ts";
export { runExportThread } from "./export-thread.ts";
