import { type Active, withActive } from "../../base/tracing/active-span.ts";
import type { Attributes, Span } from "../../base/tracing/span.ts";
import { parseTraceparent, type TraceContext } from "../../base/tracing/trace-context.ts";
import type { Tracer } from "../../base/tracing/tracer.ts";

/** The request that made an object, where it was traced: API servers write it, scheduler and agents go on from it, so that one
 *  trace shows what becomes of a pod. Only while tracing is on. */
export const traceAnnotation = "pintle.dev/traceparent";

interface Annotated {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> | undefined };
}

export function traceOf({ metadata }: Annotated): TraceContext | undefined {
  return parseTraceparent(metadata.annotations?.[traceAnnotation]);
}

/** Does the work in a span of the object's trace; where there is no tracer, or no such trace, it just does it. */
export async function inTraceOf<T>(
  tracer: Tracer | undefined,
  object: Annotated,
  {
    name,
    startMs,
    attributes,
  }: { readonly name: string; readonly startMs?: number; readonly attributes: () => Attributes },
  work: (span?: Span) => Promise<T>,
): Promise<T> {
  if (tracer === undefined) return work();
  const parent = traceOf(object);
  const span =
    parent &&
    tracer.start({ name, parent, attributes: attributes(), ...(startMs !== undefined && { startMs }) });
  if (span === undefined) return work();
  const now: Active = { tracer, context: span.context, span };
  try {
    return await withActive(now, () => work(span));
  } catch (error) {
    span.fails(error instanceof Error ? error.message : String(error));
    throw error;
  } finally {
    span.end();
  }
}
