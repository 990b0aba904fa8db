import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { startEventStoreDbServer } from "./server.ts";

const usage = `usage: node main.ts --data FILE [--port N] [--host ADDRESS]
  [--tls-cert FILE --tls-key FILE] [--user NAME --password-file FILE]`;
const options = {
  data: { type: "string" },
  port: { type: "string" },
  host: { type: "string" },
  "tls-cert": { type: "string" },
  "tls-key": { type: "string" },
  user: { type: "string" },
  "password-file": { type: "string" },
} as const;

const { values } = parseArgs({ options });
if (values.data === undefined) {
  console.error(usage);
  process.exit(2);
}
console.error(
  "A stand-in for EventStoreDB, for tests and demonstrations only: one node, no replicas, no support. " +
    "Keep real money in a real EventStoreDB.",
);
const [certificate, key, password] = [values["tls-cert"], values["tls-key"], values["password-file"]].map((file) =>
  file === undefined ? undefined : readFileSync(file, "utf8").trim(),
);
const server = await startEventStoreDbServer({
  data: values.data,
  port: Number(values.port ?? 2113),
  host: values.host ?? "127.0.0.1",
  tls: certificate && key ? { certificate, key } : undefined,
  user: values.user && password ? { name: values.user, password } : undefined,
});
console.log(JSON.stringify({ listening: server.url, standIn: true, data: values.data }));

const stop = async () => {
  await server.stop();
  process.exit(0);
};
process.once("SIGTERM", stop);
process.once("SIGINT", stop);
