import { AsyncLocalStorage } from "node:async_hooks";
import type { Attributes, Span, SpanKind } from "./span.ts";
import { type TraceContext, traceparent } from "./trace-context.ts";
import type { Tracer } from "./tracer.ts";

/** What the running code works for, where that is traced. */
export interface Active {
  readonly tracer: Tracer;
  /** The span, or what came from outside and is not sampled. */
  readonly context: TraceContext;
  readonly span: Span | undefined;
}

/** Entered for what is traced alone: as long as nobody enters, asking costs next to nothing, and promises nothing at all. */
const active = new AsyncLocalStorage<Active>();

export function activeTrace(): Active | undefined {
  return active.getStore();
}

export function withActive<T>(now: Active, work: () => T): T {
  return active.run(now, work);
}

/** `traceparent` for whom the running code asks; undefined: nobody is told. */
export function activeTraceparent(): string | undefined {
  const now = active.getStore();
  return now && traceparent(now.context);
}

/** The same as headers of HTTP. */
export function traceHeaders(): { readonly traceparent?: string } {
  const text = activeTraceparent();
  return text === undefined ? {} : { traceparent: text };
}

/** Does the work in a span of its own where the running code is traced, and just does it elsewhere. A failure is the span's. */
export async function spanned<T>(
  {
    name,
    kind,
    attributes,
  }: { readonly name: string; readonly kind?: SpanKind; readonly attributes?: () => Attributes },
  work: (span: Span | undefined) => Promise<T>,
): Promise<T> {
  const now = active.getStore();
  const span =
    now?.span &&
    now.tracer.start({
      name,
      parent: now.context,
      ...(kind && { kind }),
      ...(attributes && { attributes: attributes() }),
    });
  if (now === undefined || span === undefined) return work(undefined);
  try {
    return await active.run({ tracer: now.tracer, context: span.context, span }, () => work(span));
  } catch (error) {
    span.fails(error instanceof Error ? error.message : String(error));
    throw error;
  } finally {
    span.end();
  }
}
