export { type HostileRequest, hostileRequests, routesOf } from "./hostile-requests.ts";
export { type HostileWorld, postBytes, prepareHostileWorld } from "./hostile-world.ts";
