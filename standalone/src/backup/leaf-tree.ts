import { hash } from "node:crypto";

const NODE = Buffer.of(1);

/** The RFC 9162 tree over the leaf hashes of a shard, in the order of revisions. Memory grows with its depth only. */
export type LeafTree = {
  add(leaf: Uint8Array): void;
  readonly size: number;
  /** The root, in hex; of an empty tree the hash of nothing. */
  root(): string;
};

export function makeLeafTree(): LeafTree {
  /** Roots of complete subtrees, the largest first: one per bit of `size`. */
  const roots: Buffer<ArrayBufferLike>[] = [];
  let size = 0;
  return {
    add(leaf) {
      let node: Buffer<ArrayBufferLike> = Buffer.from(leaf);
      for (let bits = size; bits % 2 === 1; bits = Math.floor(bits / 2)) node = join(roots.pop() ?? node, node);
      roots.push(node);
      size++;
    },
    get size() {
      return size;
    },
    root() {
      const last = roots.at(-1) ?? hash("sha256", "", "buffer");
      return roots
        .slice(0, -1)
        .reduceRight((right, left) => join(left, right), last)
        .toString("hex");
    },
  };
}

function join(left: Uint8Array, right: Uint8Array): Buffer<ArrayBufferLike> {
  return hash("sha256", Buffer.concat([NODE, left, right]), "buffer");
}
