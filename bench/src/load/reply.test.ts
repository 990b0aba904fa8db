import { expect, test } from "vitest";
import { createReplyReader, type HttpReply, headerOf } from "./reply.ts";

const body = '{"id":"pay_1","amount":"1"}';
const answer = Buffer.from(
  `HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n` +
    `Ledger-Position: 0:42\r\n\r\n${body}`,
);

function readAll(read: (chunk: Buffer) => HttpReply | undefined, chunks: readonly Buffer[]): HttpReply[] {
  return chunks.map(read).filter((reply) => reply !== undefined);
}

test("an answer is read wherever its bytes are cut in two", () => {
  for (let cut = 1; cut < answer.length; cut++) {
    const read = createReplyReader();
    expect(read(answer.subarray(0, cut)), `cut at ${cut}`).toBeUndefined();
    const reply = read(answer.subarray(cut));
    expect(reply?.status).toBe(201);
    expect(reply?.body.toString()).toBe(body);
  }
});

test("an answer is read byte by byte, and so is the next one on the same connection", () => {
  const read = createReplyReader();
  const single = Array.from(answer, (byte) => Buffer.from([byte]));
  for (const replies of [readAll(read, single), readAll(read, [answer]), readAll(read, single)]) {
    expect(replies.map((reply) => [reply.status, reply.body.toString()])).toEqual([[201, body]]);
  }
});

test("an answer without a body ends with its head", () => {
  const reply = createReplyReader()(Buffer.from("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"));
  expect(reply?.status).toBe(204);
  expect(reply?.body.length).toBe(0);
});

test("headers are found by their names in lower case, however they were written", () => {
  const reply = createReplyReader()(answer);
  expect(reply && headerOf(reply, "ledger-position")).toBe("0:42");
  expect(reply && headerOf(reply, "content-type")).toBe("application/json");
  expect(reply && headerOf(reply, "position")).toBeUndefined();
});

test("an answer without a usable length is refused", () => {
  const chunked = Buffer.from("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n");
  expect(() => createReplyReader()(chunked)).toThrow("without Content-Length");
  expect(() => createReplyReader()(Buffer.concat([answer, answer]))).toThrow("after the end of an answer");
});
