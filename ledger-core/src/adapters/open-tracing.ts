import type { Tracing } from "../ports/tracing.ts";
import type { Logger } from "../process/log.ts";
import type { TracingTarget } from "../process/tracing-part.ts";

/** Starts sending traces; undefined if they go nowhere, and then the SDK is not loaded. */
export async function openTracing(
  target: TracingTarget | undefined,
  options: { readonly service: string; readonly logger: Logger },
): Promise<Tracing | undefined> {
  if (target === undefined) return undefined;
  const { startTracing } = await import("./opentelemetry/tracing.ts");
  return startTracing({ ...target, ...options });
}
