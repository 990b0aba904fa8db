export type { MirrorSource } from "../../ports/mirror-source.ts";
export type { MirrorTarget } from "../../ports/mirror-target.ts";
export { openMirrorSource, openMirrorTarget } from "./open.ts";
