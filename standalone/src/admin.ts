import type { FastifyInstance } from "fastify";
import { Problem } from "ledger-core/http/problems";
import { type Lag, type ProjectionThread, projectionNames, type Verifications } from "projection-workers";
import { type BackupsOptions, makeBackups } from "./backup/backups.ts";

const platform = { config: { roles: ["platform"] as const } };
const readers = { config: { roles: ["platform", "operator", "auditor", "service"] as const } };

const rebuildBody = {
  type: "object",
  properties: { projection: { type: "string", enum: projectionNames } },
  required: ["projection"],
  additionalProperties: false,
} as const;

const verifyBody = {
  type: "object",
  properties: { heal: { type: "boolean" } },
  required: ["heal"],
  additionalProperties: false,
} as const;

const backupBody = {
  type: "object",
  properties: { ticket: { type: "string", pattern: "^[0-9a-f]{32}$" } },
  required: ["ticket"],
  additionalProperties: false,
} as const;

function verifyAnswer(verifications: Verifications) {
  return { running: verifications.running(), projections: verifications.states() };
}

/** Routes for the platform role and the `ledger` command; not part of the public API. */
export function registerAdmin(
  app: FastifyInstance,
  { shards, head }: Lag,
  projections: ProjectionThread,
  verifications: Verifications,
): void {
  app.post<{ Body: { heal: boolean } }>(
    "/admin/verifications",
    { ...platform, schema: { hide: true, body: verifyBody } },
    (request, reply) => {
      verifications.begin(request.body.heal);
      return reply.code(202).send(verifyAnswer(verifications));
    },
  );

  app.get("/admin/verifications", { ...platform, schema: { hide: true } }, () => verifyAnswer(verifications));

  app.get("/admin/positions", { ...readers, schema: { hide: true } }, () => {
    const all = Array.from({ length: shards }, (_, shard) => shard);
    return {
      log: all.map((shard) => ({ shard, head: head(shard) })),
      projections: projectionNames.flatMap((name) =>
        all.map((shard) => ({ name, shard, revision: projections.revision(name, shard) })),
      ),
    };
  });

  app.post<{ Body: { projection: string } }>(
    "/admin/rebuilds",
    { ...platform, schema: { hide: true, body: rebuildBody } },
    (request, reply) => {
      const { projection } = request.body;
      if (!projectionNames.includes(projection))
        throw new Problem("route_not_found", "There is no projection of this name.");
      return reply.code(202).send(projections.rebuild(projection));
    },
  );

  app.get<{ Params: { projection: string } }>(
    "/admin/rebuilds/:projection",
    { ...platform, schema: { hide: true } },
    (request) => {
      const { projection } = request.params;
      const state = projections.rebuildState(projection);
      if (!state) throw new Problem("route_not_found", "No rebuild of this projection was asked for since the start.");
      return state;
    },
  );
}

/** Backups that `ledger backup` asks a running server for. @returns ends the one under way */
export function registerBackups(app: FastifyInstance, options: BackupsOptions): () => Promise<void> {
  const backups = makeBackups(options);
  app.post<{ Body: { ticket: string } }>(
    "/admin/backups",
    { ...platform, schema: { hide: true, body: backupBody } },
    (request, reply) => {
      backups.begin(request.body.ticket);
      return reply.code(202).send(backups.state());
    },
  );

  app.get("/admin/backups", { ...platform, schema: { hide: true } }, () => {
    const state = backups.state();
    if (!state) throw new Problem("route_not_found", "No backup was asked for since the start.");
    return state;
  });
  return backups.stop;
}
