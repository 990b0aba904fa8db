export type { MirrorSource } from "../../ports/mirror-source.ts";
export { type MirrorEnd, type MirrorTarget, type MirrorWriter, mirroredSize } from "../../ports/mirror-target.ts";
export { openMirrorSource, openMirrorTarget } from "./open.ts";
