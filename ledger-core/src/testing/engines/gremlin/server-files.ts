import { copyFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** The line of output that says a server takes connections. */
export const GREMLIN_READY = /Channel started at port/;

export type ServerAddress = { readonly host: string; readonly port: number };

/** Java's arguments for a server on the files in a folder. */
export function serverArgs(folder: string): readonly string[] {
  return ["org.apache.tinkerpop.gremlin.server.GremlinServer", join(folder, "server.yaml")];
}

/** Writes the settings of a server with an empty graph. `seenAs`: the folder as the server sees it. */
export async function writeServerFiles(folder: string, address: ServerAddress, seenAs = folder): Promise<void> {
  await copyFile(join(import.meta.dirname, "init.groovy"), join(folder, "init.groovy"));
  await writeFile(join(folder, "graph.properties"), graphProperties);
  await writeFile(join(folder, "server.yaml"), serverYaml(address, seenAs));
}

/** Ids of any type, as in Cosmos DB. */
const graphProperties = `gremlin.graph=org.apache.tinkerpop.gremlin.tinkergraph.structure.TinkerGraph
gremlin.tinkergraph.vertexIdManager=ANY
gremlin.tinkergraph.edgeIdManager=ANY
`;

/**
 * One thread evaluates, since TinkerGraph is not safe with two. The server's own settings lack version 2 of GraphSON,
 * which Cosmos DB speaks, and allow 16 bindings.
 */
function serverYaml({ host, port }: ServerAddress, folder: string): string {
  const util = "org.apache.tinkerpop.gremlin.util.ser";
  const tinkerGraph = "org.apache.tinkerpop.gremlin.tinkergraph.structure";
  const processor = "org.apache.tinkerpop.gremlin.server.op.standard.StandardOpProcessor";
  return `host: ${host}
port: ${port}
gremlinPool: 1
threadPoolWorker: 1
evaluationTimeout: 30000
channelizer: org.apache.tinkerpop.gremlin.server.channel.WebSocketChannelizer
graphs: { graph: ${JSON.stringify(join(folder, "graph.properties"))} }
scriptEngines:
  gremlin-groovy:
    plugins:
      org.apache.tinkerpop.gremlin.jsr223.ScriptFileGremlinPlugin:
        files: [${JSON.stringify(join(folder, "init.groovy"))}]
serializers:
  - className: ${util}.GraphSONMessageSerializerV2
    config: { ioRegistries: [${tinkerGraph}.TinkerIoRegistryV2] }
processors:
  - { className: ${processor}, config: { maxParameters: 64 } }
`;
}
