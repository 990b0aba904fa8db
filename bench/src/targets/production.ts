import { join } from "node:path";
import type { Figure } from "../figure.ts";
import type { Scale } from "../scale.ts";
import { measureEventStore } from "./event-store.ts";
import { measureMirror } from "./mirror.ts";

/** P9: the log in production, each part beside what its client alone reaches. */
export async function measureProduction(folder: string, scale: Scale): Promise<Figure[]> {
  const store = await measureEventStore(join(folder, "store"), scale);
  return [...store, ...(await measureMirror(join(folder, "mirror"), scale))];
}
