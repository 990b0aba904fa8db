export { startStandalone } from "./main.ts";
export { rebuildOffline } from "./offline-rebuild.ts";
export { verifyOffline } from "./offline-verify.ts";
