import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import type { FastifyInstance } from "fastify";

/** Gathers the schemas of the routes that are added after it, and serves them as /openapi.json and, readable, as /docs. */
export async function serveReference(app: FastifyInstance, version: string): Promise<void> {
  const bodyOptional = new Set<string>();
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: { title: "payledger", version, description: "A payment ledger: commands in, events kept, queries out." },
      components: { securitySchemes: { bearer: { type: "http", scheme: "bearer", bearerFormat: "JWT" } } },
      security: [{ bearer: [] }],
    },
    transform: ({ schema, url, route }) => {
      if (route.config?.bodyOptional === true) bodyOptional.add(url.replaceAll(/:(\w+)/g, "{$1}"));
      return { schema, url };
    },
    transformObject: (made) => {
      const document = "openapiObject" in made ? made.openapiObject : {};
      for (const [path, item] of members(document.paths))
        for (const [, operation] of members(item)) markOptions(operation, bodyOptional.has(path));
      return document;
    },
  });
  // One text for all who ask: however many connections leave it unread, it is in memory once.
  let text: Buffer | undefined;
  app.get("/openapi.json", { config: { open: true }, schema: { hide: true } }, (_request, reply) => {
    text ??= Buffer.from(JSON.stringify(app.swagger()));
    return reply.type("application/json; charset=utf-8").send(text);
  });
  await app.register(async (scope) => {
    scope.addHook("onRoute", (route) => {
      route.config = { ...route.config, open: true };
    });
    await scope.register(swaggerUi, { routePrefix: "/docs", staticCSP: true });
  });
}

/** What the generator cannot say: that a body may be absent, and which headers an answer always has. */
function markOptions(operation: object, bodyOptional: boolean): void {
  if (bodyOptional) Object.assign(Object(member(operation, "requestBody")), { required: false });
  for (const [, response] of members(member(operation, "responses")))
    for (const [, header] of members(member(response, "headers"))) {
      const schema = Object(member(header, "schema"));
      if (schema.required !== true) continue;
      delete schema.required;
      Object.assign(header, { required: true });
    }
}

function member(value: object, name: string): unknown {
  return Object.getOwnPropertyDescriptor(value, name)?.value;
}

/** The members that are objects, of what may be one. */
function members(value: unknown): [string, object][] {
  return Object.entries(Object(value)).filter(
    (entry): entry is [string, object] => typeof entry[1] === "object" && entry[1] !== null,
  );
}
