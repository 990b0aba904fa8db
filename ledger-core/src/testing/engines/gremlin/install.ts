import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "../child-engine.ts";
import type { EngineKind } from "../engine.ts";
import { archiveClasses, findInstalled, installJars, type JavaEngine, type JavaPrograms } from "../java.ts";
import { GREMLIN_READY, serverArgs, writeServerFiles } from "./server-files.ts";

const gremlinServer: JavaEngine = { name: "Gremlin Server", source: import.meta.dirname, size: "31 MB" };

/** Apache TinkerPop's Gremlin Server with its in-memory graph, from Maven Central. */
export const gremlinKind: EngineKind<JavaPrograms> = {
  name: gremlinServer.name,
  variable: "GREMLIN_URL",
  urlForm: "gremlin://host:port",
  image: "tinkerpop/gremlin-server:3.8.1",
  programs: { java: "default-jre-headless", mvn: "maven", openssl: "openssl" },
  describe: ({ java, libs }) => `${java}, ${libs}`,
  find: () => findInstalled(gremlinServer),
  install: (tell) => installJars(gremlinServer, tell, prepare),
};

async function prepare(programs: JavaPrograms, folder: string): Promise<void> {
  const files = join(folder, "prepare");
  await mkdir(files);
  await writeServerFiles(files, { host: "127.0.0.1", port: await freePort() });
  await archiveClasses(programs, serverArgs(files), GREMLIN_READY);
}
