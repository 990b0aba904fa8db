export type { MirrorSource } from "../../ports/mirror-source.ts";
export type { MirrorTarget } from "../../ports/mirror-target.ts";
export { type KafkaClientName, kafkaClientNames } from "./connection.ts";
export { openMirrorSource } from "./mirror-source.ts";
export { openMirrorTarget } from "./mirror-target.ts";
