import { EVIDENCE_MAX } from "ledger-core";
import { example, limit, objectRoute, shape } from "./parts.ts";

export const recommendationsRoute = objectRoute({
  tag: "Accounts",
  id: example.account,
  summary: "Merchants for an account",
  description:
    "Merchants that the account has not paid, and that others have who paid a merchant that it paid too. Where a " +
    "model was trained on the exported history, its recommendations are among them: `source` tells. Best first: " +
    "merchants that both name, then by turns those of the graph alone and of the model alone. Scores descend within " +
    "each `source`, and cannot be compared between two. Each comes with events that it rests on; what was refunded " +
    "since is not among them, nor is a merchant that the account has paid since.",
  query: { limit },
  answer: shape("The recommendations", {
    data: {
      type: "array",
      items: shape("A merchant", {
        merchant: { type: "string", example: example.other },
        score: {
          type: "number",
          description: "Of the graph: how many payers the two share. Of a model, or both: the model's own measure.",
          example: 3,
        },
        events: { type: "array", maxItems: EVIDENCE_MAX, items: { type: "string", example: example.event } },
        source: {
          type: "string",
          enum: ["graph", "model", "both"],
          description: "The graph of payments as it is now, a trained model, or both.",
        },
        modelVersion: { type: ["string", "null"], description: "Null where only the graph has it.", example: null },
        position: {
          type: ["string", "null"],
          description: "What it was computed from: the graph's position, or the one that the model was trained on.",
          example: "0:1234",
        },
      }),
    },
  }),
});
