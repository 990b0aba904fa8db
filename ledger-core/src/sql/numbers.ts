import { type IdPrefix, idBody, makeId, readId, readNumber } from "../domain/ids.ts";
import type { Position } from "../domain/position.ts";
import type { Micros } from "../domain/time.ts";

const REVISIONS = 2 ** 40;

/**
 * The position of an event as one integer under 2^50: shard × 2^40 + revision. An object has the number of the event
 * that made it, so the read models need no ids: with the event's time and salt, the number gives the id back.
 */
export function numberOf({ shard, revision }: Position): number {
  return shard * REVISIONS + revision;
}

export function positionOf(number: number): Position {
  const shard = Math.floor(number / REVISIONS);
  return { shard, revision: number - shard * REVISIONS };
}

/** The number of the event that made what an id of any prefix names. */
export function numberOfId(id: string): number {
  return readNumber(id);
}

/** The salt of an id. With its number and its time in milliseconds it is the whole id. */
export function saltOf(id: string): number {
  return readId(id).salt;
}

/** The id of what the event of this number made. */
export function idOf<P extends IdPrefix>(
  prefix: P,
  at: Micros,
  number: number,
  salt: number,
): ReturnType<typeof makeId<P>> {
  return makeId(prefix, idBody(at, positionOf(number), salt));
}
