export { openDataFolder } from "./data-folder.ts";
export { startStandalone } from "./main.ts";
export { rebuildOffline } from "./offline-rebuild.ts";
export { verifyOffline } from "./offline-verify.ts";
export { readServerFile } from "./server-file.ts";
export { StartFault, startFaults } from "./start-fault.ts";
