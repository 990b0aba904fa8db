import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import type { FastifyInstance } from "fastify";
import { completeDocument, sectionsIn } from "./document.ts";
import { introduction, sections } from "./introduction.ts";
import { favicon, stylesheet } from "./theme.ts";

/** Gathers the schemas of the routes that are added after it; serves them as /openapi.json and, readable, as /docs. */
export async function serveReference(app: FastifyInstance, version: string): Promise<void> {
  const bodyOptional = new Set<string>();
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: { title: "Payledger", version, description: introduction },
      tags: [...sections],
      components: { securitySchemes: { bearer: { type: "http", scheme: "bearer", bearerFormat: "JWT" } } },
      security: [{ bearer: [] }],
    },
    transform: ({ schema, url, route }) => {
      if (route.config?.bodyOptional === true) bodyOptional.add(url.replaceAll(/:(\w+)/g, "{$1}"));
      return { schema, url };
    },
    transformObject: (made) => {
      const document = "openapiObject" in made ? made.openapiObject : {};
      completeDocument(document, (path) => ({ bodyOptional: bodyOptional.has(path) }));
      const used = sectionsIn(document);
      return { ...document, tags: sections.filter(({ name }) => used.has(name)) };
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
    await scope.register(swaggerUi, {
      routePrefix: "/docs",
      staticCSP: true,
      theme: { title: "Payledger API", favicon: [favicon], css: [stylesheet] },
      // The base layout has no bar on top: no other project's logo, and no field for another document's address.
      uiConfig: { layout: "BaseLayout", docExpansion: "list", defaultModelsExpandDepth: -1 },
    });
  });
}
