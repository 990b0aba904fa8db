export { type HostileRequest, hostileRequests } from "./hostile-requests.ts";
export { prepareHostileWorld } from "./hostile-world.ts";
