import { expect, onTestFinished, test } from "vitest";
import { findRedis, startRedis } from "../../../testing/engines/redis/redis.ts";
import { connectRedis } from "../client.ts";
import { redisScript } from "../script.ts";
import { packTexts } from "./packed.ts";

const source = await findRedis();

test.skipIf(source.kind === "none")("a script unpacks the texts that were packed", async () => {
  const server = await startRedis(source);
  const redis = connectRedis("any", server.access);
  onTestFinished(async () => {
    await redis.close();
    await server.stop();
  });
  const script = redisScript("return cmsgpack.unpack(ARGV[1])");
  for (const texts of [
    [],
    ["", "a", "\0", "Grüße an 東京 🎏", '"\n\\'],
    [255, 256, 65_535, 65_536].map((length) => `${"é".repeat(length - 2)}x`),
    Array.from({ length: 70_000 }, (_, n) => `text ${n}`),
  ])
    expect(await redis.run(script, ["any"], [packTexts(texts)])).toEqual(texts);
});
