import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Connection } from "./connection.ts";
import { type Drive, driveClosed, drivePaced } from "./driver.ts";
import type { HttpReply } from "./reply.ts";

const reply: HttpReply = { status: 200, head: Buffer.alloc(0), body: Buffer.alloc(0) };

/** Connections that answer when `answer` says so, and count requests sent before the previous answer. */
function fakeConnections(count: number, answer: (request: string, done: () => void) => void) {
  const sent: string[] = [];
  let overlapping = 0;
  const connections = Array.from({ length: count }, (): Connection => {
    let busy = false;
    return {
      send(request, onReply) {
        if (busy) overlapping++;
        busy = true;
        sent.push(request);
        answer(request, () => {
          busy = false;
          onReply(reply);
        });
      },
      close() {},
    };
  });
  return { connections, sent, overlapping: () => overlapping };
}

function drive(connections: readonly Connection[], requests: number): Drive & { readonly latencies: number[] } {
  const latencies: number[] = [];
  const onReply = (_reply: HttpReply, _n: number, ms: number) => void latencies.push(ms);
  return { connections, requests, seconds: 60, requestText: (n) => `request ${n}`, onReply, latencies };
}

const expected = (count: number) => Array.from({ length: count }, (_, n) => `request ${n}`);

test("connections take turns, so that none is idle for long", async () => {
  const { connections } = fakeConnections(3, (_request, done) => done());
  const used: number[] = [];
  const counted = connections.map((connection, i): Connection => {
    const send: Connection["send"] = (request, onReply) => {
      used.push(i);
      connection.send(request, onReply);
    };
    return { ...connection, send };
  });
  await drivePaced(drive(counted, 6), 1000);
  expect(used).toEqual([0, 1, 2, 0, 1, 2]);
});

test("unpaced: every request once, one at a time per connection", async () => {
  const { connections, sent, overlapping } = fakeConnections(3, (_request, done) => setImmediate(done));
  const plan = drive(connections, 20);
  await driveClosed(plan);
  expect(sent).toEqual(expected(20));
  expect(plan.latencies).toHaveLength(20);
  expect(overlapping()).toBe(0);
});

describe("at a rate", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "performance"] }));
  afterEach(() => void vi.useRealTimers());

  test("every request is sent when it is due and not before, one at a time per connection", async () => {
    const { connections, sent, overlapping } = fakeConnections(3, (_request, done) => done());
    const plan = drive(connections, 20);
    const over = drivePaced(plan, 1000);
    expect(sent).toHaveLength(0);
    vi.advanceTimersByTime(10);
    expect(sent).toEqual(expected(10));
    vi.advanceTimersByTime(50);
    await over;
    expect(sent).toEqual(expected(20));
    expect(plan.latencies).toHaveLength(20);
    expect(overlapping()).toBe(0);
  });

  test("latency includes the wait while the server hangs", async () => {
    const held: (() => void)[] = [];
    const { connections } = fakeConnections(1, (request, done) => {
      if (request === "request 0") held.push(done);
      else done();
    });
    const plan = drive(connections, 5);
    const over = drivePaced(plan, 1000);
    vi.advanceTimersByTime(100);
    expect(plan.latencies).toEqual([]);
    held[0]?.();
    await over;
    expect(plan.latencies).toEqual([99, 98, 97, 96, 95]);
  });

  test("overdue requests are sent in order, and the load continues at its rate", async () => {
    const held: (() => void)[] = [];
    const { connections, sent } = fakeConnections(1, (request, done) => {
      if (request === "request 0") held.push(done);
      else queueMicrotask(done);
    });
    const plan = drive(connections, 5000);
    const over = drivePaced(plan, 1000);
    await vi.advanceTimersByTimeAsync(4000);
    expect(sent).toEqual(expected(1));
    held[0]?.();
    await vi.advanceTimersByTimeAsync(1);
    expect(sent.slice(0, 4000)).toEqual(expected(4000));
    await vi.advanceTimersByTimeAsync(1100);
    await over;
    expect(sent).toEqual(expected(5000));
    expect(plan.latencies.at(-1)).toBe(0);
  });

  test("a server that falls ever further behind ends the load", async () => {
    const { connections } = fakeConnections(1, () => {});
    const over = drivePaced(drive(connections, 1e9), 100);
    vi.advanceTimersByTime(9_900);
    const still = vi.fn();
    over.catch(still);
    await Promise.resolve();
    expect(still).not.toHaveBeenCalled();
    vi.advanceTimersByTime(200);
    await expect(over).rejects.toThrow("behind the rate");
  });
});
