import { configurationPart } from "./configuration.ts";
import { documented, optionalSecret, type Secret, type Setting } from "./env.ts";

/** Where traces go; undefined: nowhere. */
export type TracingTarget = {
  /** The OTLP/HTTP receiver's base URL. */
  readonly endpoint: string;
  /** Comma-separated `name=value` pairs, such as a collector's key. */
  readonly headers?: Secret;
  /** The share of traces that are kept. */
  readonly ratio: number;
};

const endpoint: Setting<string | undefined> = {
  absent: { allowed: true, value: undefined },
  parse(text) {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (!url || !/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "" || url.search !== "")
      return { fault: "must be an http:// or https:// URL without credentials: OTEL_EXPORTER_OTLP_HEADERS takes them" };
    return { value: text };
  },
};

const ratio: Setting<number> = {
  absent: { allowed: true, value: 1 },
  standard: "1",
  parse: (text) =>
    /^(0(\.\d{1,9})?|1(\.0{1,9})?)$/.test(text)
      ? { value: Number(text) }
      : { fault: `must be a number from 0 to 1, and is ${JSON.stringify(text)}` },
};

const pairs = /^[\w.-]+=[^,=]+(=*)(,[\w.-]+=[^,=]+(=*))*$/;
const headers: Setting<Secret | undefined> = {
  ...optionalSecret({ lengthMin: 1 }),
  parse: (text) =>
    pairs.test(text)
      ? optionalSecret({ lengthMin: 1 }).parse(text)
      : { fault: "must be pairs like name=value, separated by commas" },
};

export const tracingPart = configurationPart({
  settings: {
    OTEL_EXPORTER_OTLP_ENDPOINT: documented(
      "The OTLP/HTTP receiver of OpenTelemetry traces; none by default.",
      endpoint,
    ),
    OTEL_EXPORTER_OTLP_HEADERS: documented("Headers for it, such as its key: `name=value`, comma-separated.", headers),
    OTEL_TRACES_SAMPLER_ARG: documented("The share of traces that are kept, the same in every service: 0 to 1.", ratio),
  },
  build({ OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS, OTEL_TRACES_SAMPLER_ARG }) {
    if (OTEL_EXPORTER_OTLP_ENDPOINT === undefined) return undefined;
    const target: TracingTarget = {
      endpoint: OTEL_EXPORTER_OTLP_ENDPOINT,
      ratio: OTEL_TRACES_SAMPLER_ARG,
      ...(OTEL_EXPORTER_OTLP_HEADERS && { headers: OTEL_EXPORTER_OTLP_HEADERS }),
    };
    return target;
  },
});
