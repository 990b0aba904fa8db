import { LAYER_PASSES } from "./key-filter.ts";
import type { Run } from "./key-run.ts";
import { layerWordsOf } from "./part-format.ts";

/**
 * Decides how many layers of filters fit into memory. A layer saves more reads per byte the fewer keys its run has and
 * the fewer layers lie below it.
 */
export function planFilters(runs: readonly Run[], bytesMax: number): void {
  const layers = runs.flatMap((run) => {
    for (const part of run.parts) if (part) part.wanted = 0;
    const most = run.parts.reduce((sum, part) => Math.max(sum, part?.part.layers ?? 0), 0);
    return Array.from({ length: most }, (_, layer) => ({ run, layer, worth: LAYER_PASSES ** layer / run.keys }));
  });
  let left = bytesMax;
  for (const { run, layer } of layers.sort((a, b) => b.worth - a.worth)) {
    for (const part of run.parts) {
      if (!part || part.wanted !== layer || layer >= part.part.layers) continue;
      const bytes = 4 * layerWordsOf(part.part.keys);
      if (bytes > left) continue;
      left -= bytes;
      part.wanted++;
    }
  }
}
