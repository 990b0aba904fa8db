/** The largest body of a command. */
export const BODY_BYTES_MAX = 64 * 1024;
/** The largest body of a bulk. */
export const BULK_BODY_BYTES_MAX = 4 * 1024 * 1024;

/** Bounds on clients' connections, requests and bodies; together they bound the edge's memory. */
export type EdgeLimits = {
  /** Open connections; one more is answered 503 and closed. 1 to 100,000, default 12,000. */
  readonly connectionsMax: number;
  /** Refused connections that are being answered; more are reset without an answer. 0 to 10,000, default 256. */
  readonly refusalsMax: number;
  /**
   * Requests of one caller (tenant and sub), from their headers until answered; beyond it 429. 1 to 100,000, default
   * 512.
   */
  readonly callerRequestsMax: number;
  /** Requests without a caller (the reference, the problems), not counting probes. 1 to 100,000, default 256. */
  readonly anonymousRequestsMax: number;
  /**
   * Bytes of all bodies under way, by their announced length, from their headers until answered; beyond it 503. Bulks
   * may use three quarters of it. 128 KiB to 16 GiB, default 64 MiB.
   */
  readonly bodyBytesMax: number;
  /**
   * One caller's share of them; beyond it 429, but a single body is never too large for it. 64 KiB to 16 GiB, default
   * 16 MiB.
   */
  readonly callerBodyBytesMax: number;
  /** How long headers and body may take to arrive; then 408. 10 to 600,000 ms, default 30,000. */
  readonly requestTimeoutMs: number;
  /** How long a connection may be idle between requests. 10 to 600,000 ms, default 72,000. */
  readonly keepAliveMs: number;
  /**
   * How long a client may leave an answer unread before its connection is closed, up to a second later. 1,000 to
   * 600,000 ms, default 60,000.
   */
  readonly unreadMs: number;
  /** Stopping: how long whole requests are still read from the kernel's buffers. 10 to 500 ms, default 200. */
  readonly settleMs: number;
  /** Stopping: when incomplete bodies are given up. 50 to 900 ms, default 700. */
  readonly halfSentMs: number;
  /** Stopping: when queries that still wait are answered 503. 100 to 10,000 ms, default 4,000. */
  readonly waitsMs: number;
  /** Stopping: when everything left is cut off. 200 to 60,000 ms, default 6,000. */
  readonly drainMs: number;
};

export const edgeLimits: EdgeLimits = {
  connectionsMax: 12_000,
  refusalsMax: 256,
  callerRequestsMax: 512,
  anonymousRequestsMax: 256,
  bodyBytesMax: 64 * 1024 * 1024,
  callerBodyBytesMax: 16 * 1024 * 1024,
  requestTimeoutMs: 30_000,
  keepAliveMs: 72_000,
  unreadMs: 60_000,
  settleMs: 200,
  halfSentMs: 700,
  waitsMs: 4_000,
  drainMs: 6_000,
};
