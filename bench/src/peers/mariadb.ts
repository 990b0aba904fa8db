import { serveParent } from "../servers/child.ts";

await serveParent(
  { absent: "not yet" },
  async () => ({}),
  async () => {},
);
