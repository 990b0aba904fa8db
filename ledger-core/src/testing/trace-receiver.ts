import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";

/** A span as a receiver of OTLP/HTTP in JSON gets it. */
export type ReceivedSpan = {
  readonly service: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly failed: boolean;
  readonly startNs: bigint;
  readonly endNs: bigint;
};

/** A receiver of traces on the loopback interface. */
export type TraceReceiver = {
  readonly endpoint: string;
  readonly spans: readonly ReceivedSpan[];
  readonly headers: readonly IncomingHttpHeaders[];
  /** `take`: accepts; `hold`: never answers; or the status that it answers. */
  behave(how: "take" | "hold" | number): void;
  /** Resolves when it holds a request without an answer. */
  holds(): Promise<void>;
  close(): Promise<void>;
};

type Attribute = { readonly key: string; readonly value: Readonly<Record<string, unknown>> };
type WireSpan = {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly Attribute[];
  readonly links: ReceivedSpan["links"];
  readonly status: { readonly code: number };
};
type Export = {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly WireSpan[] }[];
  }[];
};

export async function startTraceReceiver(port = 0): Promise<TraceReceiver> {
  const spans: ReceivedSpan[] = [];
  const headers: IncomingHttpHeaders[] = [];
  let behavior: "take" | "hold" | number = "take";
  const holding = Promise.withResolvers<void>();

  function answer(response: ServerResponse, body: string): void {
    if (behavior === "hold") {
      holding.resolve();
      return;
    }
    if (behavior === "take") spans.push(...decode(JSON.parse(body)));
    response.writeHead(behavior === "take" ? 200 : behavior, { "content-type": "application/json" }).end("{}");
  }

  const server = createServer(async (request, response) => {
    headers.push(request.headers);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk));
    if (request.url === "/v1/traces") answer(response, Buffer.concat(chunks).toString());
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const address = server.address();
  return {
    endpoint: `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`,
    ...{ spans, headers },
    behave(how) {
      behavior = how;
    },
    holds: () => holding.promise,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function decode({ resourceSpans }: Export): ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = String(valuesOf(resource.attributes)["service.name"]);
    return scopeSpans.flatMap(({ spans }) => spans.map((span) => received(service, span)));
  });
}

function received(service: string, span: WireSpan): ReceivedSpan {
  const { traceId, spanId, parentSpanId, name, links } = span;
  return {
    ...{ service, traceId, spanId, parentSpanId, name, links, attributes: valuesOf(span.attributes) },
    failed: span.status.code === 2,
    startNs: BigInt(span.startTimeUnixNano),
    endNs: BigInt(span.endTimeUnixNano),
  };
}

function valuesOf(attributes: readonly Attribute[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
