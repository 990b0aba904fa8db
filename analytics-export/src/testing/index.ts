export { names, testKey } from "./folder.ts";
export { type WrittenRow, writeGold } from "./gold-writer.ts";
export { startWarehouseServer, TOKEN } from "./warehouse-server.ts";
