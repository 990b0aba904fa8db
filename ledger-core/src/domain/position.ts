/** The number of a shard: one stream, one writer, one partition. 0 to 1023. */
export type Shard = number;

/** The place of an event in its shard, from 0 without gaps. An empty shard's head is -1. */
export type Revision = number;

/** The place of an event in the whole ledger. */
export type Position = { readonly shard: Shard; readonly revision: Revision };

export const SHARD_MAX = 1023;
/** Ids hold 40 bits of revision: a million million events per shard. */
export const REVISION_MAX = 2 ** 40 - 1;
export const NO_REVISION: Revision = -1;

const grammar = /^(0|[1-9]\d{0,3}):(0|[1-9]\d{0,12})$/;

/** Formats a position as `0:1234`. */
export function formatPosition(position: Position): string {
  return `${position.shard}:${position.revision}`;
}

/** Parses a position like `0:1234`; undefined if malformed. */
export function parsePosition(text: string): Position | undefined {
  const match = grammar.exec(text);
  if (!match) return undefined;
  const position = { shard: Number(match[1]), revision: Number(match[2]) };
  return position.shard <= SHARD_MAX && position.revision <= REVISION_MAX ? position : undefined;
}
