import { type EngineKind, lookForEngine } from "./engine.ts";

/** A real EventStoreDB for tests. */
export type EventStoreDbEngine = { readonly url: string; stop(): Promise<void> };

const PORT = 2113;
/** No package repository has it: use a URL or Docker; without either, tests use the stand-in. */
const kind: EngineKind<never> = {
  name: "EventStoreDB",
  variable: "EVENTSTOREDB_URL",
  urlForm: "esdb://name:password@host:2113",
  image: "eventstore/eventstore:24.10.5-bookworm-slim",
  programs: {},
  find: async () => undefined,
  describe: () => "",
};

/** The server at EVENTSTOREDB_URL, or one in a container; undefined if there is neither. */
export async function startEventStoreDb(): Promise<EventStoreDbEngine | undefined> {
  const source = await lookForEngine(kind);
  if (source.kind === "url") return { url: source.url.href, stop: async () => undefined };
  if (source.kind !== "container") return undefined;
  const { GenericContainer, Wait } = await import("testcontainers");
  const container = await new GenericContainer(kind.image)
    .withEnvironment({ EVENTSTORE_INSECURE: "true", EVENTSTORE_MEM_DB: "true" })
    .withExposedPorts(PORT)
    .withWaitStrategy(Wait.forHttp("/health/live", PORT))
    .start();
  const url = `esdb://${container.getHost()}:${container.getMappedPort(PORT)}?tls=false`;
  return { url, stop: async () => void (await container.stop()) };
}
