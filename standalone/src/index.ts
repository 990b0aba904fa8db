export { type DataFolder, openDataFolder } from "./data-folder.ts";
export { type Standalone, type StandaloneOptions, startStandalone } from "./main.ts";
export { rebuildOffline } from "./offline-rebuild.ts";
export { verifyOffline } from "./offline-verify.ts";
export { readServerFile, type ServerFile } from "./server-file.ts";
export { StartFault, type StartFaultKind, startFaults } from "./start-fault.ts";
