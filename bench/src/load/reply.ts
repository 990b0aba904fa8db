/** An answer as a load needs it: its status, its head with the status line, and its body. */
export type HttpReply = { readonly status: number; readonly head: Buffer; readonly body: Buffer };

const headEnd = Buffer.from("\r\n\r\n");
const nothing: Buffer = Buffer.alloc(0);

/**
 * Parses one answer at a time from a socket's chunks, wherever they are cut. Emits the answer with its last chunk.
 * @throws if an answer has no Content-Length, or is longer than it says
 */
export function createReplyReader(): (chunk: Buffer) => HttpReply | undefined {
  let held: Buffer = nothing;
  let bodyAt = -1;
  let end = -1;
  return (chunk) => {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    if (bodyAt < 0) {
      const headEndsAt = held.indexOf(headEnd);
      if (headEndsAt < 0) return undefined;
      bodyAt = headEndsAt + headEnd.length;
      end = bodyAt + contentLength(held.subarray(0, headEndsAt + 2));
    }
    if (held.length < end) return undefined;
    if (held.length > end) throw new Error(`${held.length - end} bytes after the end of an answer`);
    const status = Number(held.toString("latin1", 9, 12));
    const reply = { status, head: held.subarray(0, bodyAt - 2), body: held.subarray(bodyAt) };
    held = nothing;
    bodyAt = -1;
    end = -1;
    return reply;
  };
}

function contentLength(head: Buffer): number {
  const text = headerIn(head, "content-length");
  if (text === undefined) throw new Error("an answer without Content-Length");
  return Number(text);
}

/** The value of an answer's header, named in lower case; undefined if absent. */
export function headerOf(reply: HttpReply, name: string): string | undefined {
  return headerIn(reply.head, name);
}

function headerIn(head: Buffer, name: string): string | undefined {
  const line = `\r\n${name}:`;
  // Fastify writes names in lower case; only other servers need a copy of the whole head.
  const asWritten = head.indexOf(line, 0, "latin1");
  const at = asWritten >= 0 ? asWritten : head.toString("latin1").toLowerCase().indexOf(line);
  if (at < 0) return undefined;
  const from = at + line.length;
  return head.toString("latin1", from, head.indexOf(13, from)).trim();
}
