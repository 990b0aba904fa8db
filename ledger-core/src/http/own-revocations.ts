import type { RevocationPage, RevocationStore } from "../ports/revocations.ts";

/**
 * A store that services share, and a durable one of this process alone, which keeps what is added here. Only what both
 * hold is acknowledged, so it survives the loss of either: before the first read, the shared store is given again what
 * the own one holds.
 */
export function withOwnRevocations(shared: RevocationStore, own: RevocationStore): RevocationStore {
  let announced = false;

  async function announce(): Promise<void> {
    let page: RevocationPage | undefined;
    do {
      page = await own.read(page?.cursor);
      for (const revocation of page.revocations) await shared.add(revocation);
    } while (page.more);
    announced = true;
  }

  return {
    async add(revocation) {
      // The own store first: others see a revocation only once it is safe here.
      await own.add(revocation);
      return shared.add(revocation);
    },
    async read(after) {
      if (!announced) await announce();
      return shared.read(after);
    },
    async dropExpired(before) {
      await own.dropExpired(before);
      return shared.dropExpired(before);
    },
    async close() {
      await Promise.all([own.close(), shared.close()]);
    },
  };
}
