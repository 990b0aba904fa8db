import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, startChildEngine } from "../child-engine.ts";
import { type EngineSource, findEngine, startEngine } from "../engine.ts";
import { type AzuritePrograms, azuriteKind } from "./install.ts";

/** An Azure Storage for tests. */
export type AzuriteServer = {
  /** The blob service's address, whose first path segment is the account. */
  readonly url: string;
  readonly account: string;
  readonly key: string;
  stop(): Promise<void>;
};

/** The account that Azurite is documented to have. */
const account = "devstoreaccount1";
const key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/** Finds an Azurite. @throws in CI (CI=true) if there is none */
export function findAzurite(): Promise<EngineSource<AzuritePrograms>> {
  return findEngine(azuriteKind);
}

export async function startAzurite(source: EngineSource<AzuritePrograms>): Promise<AzuriteServer> {
  return startEngine(source, {
    url: async (url) => serverAt(url.origin, async () => undefined),
    local: startLocal,
    container: startContainer,
  });
}

async function startLocal({ script }: AzuritePrograms): Promise<AzuriteServer> {
  const folder = await mkdtemp(join(tmpdir(), "payledger-azurite-"));
  const port = await freePort();
  const settings = ["--disableTelemetry", "--inMemoryPersistence", "--skipApiVersionCheck"];
  const args = [script, ...settings, "--blobHost", "127.0.0.1", "--blobPort", String(port)];
  const engine = await startChildEngine({
    ...{ command: process.execPath, args, folder },
    ...{ ready: /successfully listens on/, readyMs: 60_000, stopBy: "KILL" },
  });
  return serverAt(`http://127.0.0.1:${port}`, engine.stop);
}

async function startContainer(): Promise<AzuriteServer> {
  const { GenericContainer } = await import("testcontainers");
  const command = ["azurite-blob", "--blobHost", "0.0.0.0", "--inMemoryPersistence", "--skipApiVersionCheck"];
  const container = await new GenericContainer(azuriteKind.image).withExposedPorts(10_000).withCommand(command).start();
  const origin = `http://127.0.0.1:${container.getMappedPort(10_000)}`;
  return serverAt(origin, async () => void (await container.stop()));
}

function serverAt(origin: string, stop: () => Promise<void>): AzuriteServer {
  return { url: `${origin}/${account}`, account, key, stop };
}
