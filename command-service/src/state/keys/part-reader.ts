import type { Part } from "./key-run.ts";
import type { KeyStorage } from "./key-storage.ts";
import { checkBlock, checkFences, checkFooter, checkLayer, entriesIn, placesOf, wordsOf } from "./part-format.ts";
import { findInBlock, lowerBound } from "./part-writer.ts";

/**
 * Appends the revisions under a hash in a part to `found`; mostly reads one block.
 * @throws state_corrupt, state_unavailable
 */
export async function findInPart(
  storage: KeyStorage,
  held: Part,
  high: number,
  low: number,
  found: number[],
): Promise<void> {
  const { part } = held;
  const fences = held.fences ?? (await readIndex(storage, held));
  const { blockBytes, blocks } = placesOf(part);
  // Start at the block before the first that begins with `high` or later: it may end with `high`.
  for (let block = Math.max(0, lowerBound(fences, 1, blocks, high) - 1); block < blocks; block++) {
    if ((fences[block] ?? 0) > high) return;
    const words = wordsOf(await storage.read(part.file, block * blockBytes, blockBytes));
    checkBlock(words, block, part);
    findInBlock(words, entriesIn(part, block), high, low, found);
  }
}

/**
 * Reads the fences of a part, and the wanted layers of its filter that are not in memory.
 * @throws state_corrupt, state_unavailable
 */
export async function readIndex(storage: KeyStorage, held: Part): Promise<Uint32Array> {
  const { part, wanted } = held;
  const { fencesAt, blocks, layersAt, layerWords, footerAt, bytes } = placesOf(part);
  const footer = wordsOf(await storage.read(part.file, footerAt, bytes - footerAt));
  checkFooter(footer, part);
  let { fences } = held;
  if (!fences) {
    fences = wordsOf(await storage.read(part.file, fencesAt, blocks * 4));
    checkFences(fences, footer, part);
    held.fences = fences;
  }
  for (let layer = held.layers.length; layer < wanted; layer++) {
    const words = wordsOf(await storage.read(part.file, layersAt + layer * layerWords * 4, layerWords * 4));
    checkLayer(words, layer, footer, part);
    // Another read may have loaded it meanwhile, or it may no longer fit.
    if (held.layers.length === layer && layer < held.wanted) held.layers = [...held.layers, words];
  }
  return fences;
}
