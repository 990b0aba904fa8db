import { connect, type Socket } from "node:net";

/** An answer as the load needs it: its status and where its body lies. */
export type Reply = { readonly status: number; readonly body: Buffer };

const headEnd = Buffer.from("\r\n\r\n");
const lengthName = Buffer.from("\r\ncontent-length: ");

/**
 * One keep-alive connection that has one request under way: the least that HTTP/1.1 asks of a client, so that the load
 * takes as little of the machine from the server as it can. Answers must carry Content-Length.
 */
export class Connection {
  private readonly socket: Socket;
  private pending: Buffer[] = [];
  private received = 0;
  private needed = -1;
  private onReply: ((reply: Reply) => void) | undefined;

  private constructor(socket: Socket, onLost: (error: Error) => void) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => this.take(chunk));
    socket.on("error", onLost);
    socket.on("close", () => this.onReply && onLost(new Error("the connection closed with a request under way")));
  }

  static open(port: number, onLost: (error: Error) => void): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, "127.0.0.1");
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(new Connection(socket, onLost));
      });
    });
  }

  /** Sends a request; the callback gets its answer before the next may be sent. */
  send(request: string | Buffer, onReply: (reply: Reply) => void): void {
    this.onReply = onReply;
    this.socket.write(request, "latin1");
  }

  close(): void {
    this.socket.destroy();
  }

  private take(chunk: Buffer): void {
    this.pending.push(chunk);
    this.received += chunk.length;
    if (this.needed < 0) this.readHead();
    if (this.needed < 0 || this.received < this.needed) return;
    const answer = this.whole();
    const bodyAt = answer.indexOf(headEnd) + headEnd.length;
    const reply = { status: Number(answer.toString("latin1", 9, 12)), body: answer.subarray(bodyAt, this.needed) };
    this.pending = [];
    this.received = 0;
    this.needed = -1;
    const { onReply } = this;
    this.onReply = undefined;
    onReply?.(reply);
  }

  private readHead(): void {
    const answer = this.whole();
    const bodyAt = answer.indexOf(headEnd);
    if (bodyAt < 0) return;
    const lengthAt = answer.indexOf(lengthName);
    if (lengthAt < 0 || lengthAt > bodyAt) throw new Error("an answer without Content-Length");
    const digits = answer.toString(
      "latin1",
      lengthAt + lengthName.length,
      answer.indexOf(13, lengthAt + lengthName.length),
    );
    this.needed = bodyAt + headEnd.length + Number(digits);
  }

  private whole(): Buffer {
    if (this.pending.length > 1) this.pending = [Buffer.concat(this.pending)];
    return this.pending[0] ?? Buffer.alloc(0);
  }
}
