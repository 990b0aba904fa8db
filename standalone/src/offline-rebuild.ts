import type { RebuildState } from "./rebuild-state.ts";
export async function rebuildOffline(_o: {
  dataDir: string;
  name: string;
  onProgress(s: RebuildState): void;
}): Promise<RebuildState> {
  throw new Error("not yet");
}
