import type { TraceContext } from "./trace-context.ts";

export type AttributeValue = string | number | boolean;
export type Attributes = Readonly<Record<string, AttributeValue>>;
/** OTLP's numbers. */
export const spanKinds = { internal: 1, server: 2, client: 3 } as const;
export type SpanKind = keyof typeof spanKinds;

export interface SpanEvent {
  readonly name: string;
  readonly atMs: number;
  readonly attributes: Attributes;
}

export interface SpanStart {
  readonly name: string;
  readonly kind?: SpanKind;
  readonly attributes?: Attributes;
  /** Where it hangs; absent: it begins a trace. */
  readonly parent?: TraceContext | undefined;
  /** What led to it without being its parent. */
  readonly links?: readonly TraceContext[];
  /** By default now. */
  readonly startMs?: number;
}

/** One thing that is done, once it has ended. */
export interface EndedSpan {
  readonly context: TraceContext;
  readonly parentId: string | undefined;
  readonly name: string;
  readonly kind: SpanKind;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Attributes;
  readonly events: readonly SpanEvent[];
  readonly links: readonly TraceContext[];
  /** Absent: it went well, or nobody said. */
  readonly failure: string | undefined;
}

const eventsMax = 128;

/** One thing that is being done. Everything after its end is passed over. */
export class Span {
  readonly context: TraceContext;
  readonly #start: SpanStart & { readonly startMs: number };
  readonly #deps: { readonly nowMs: () => number; readonly ended: (span: EndedSpan) => void };
  readonly #events: SpanEvent[] = [];
  #name: string;
  #attributes: Record<string, AttributeValue>;
  #failure: string | undefined;
  #isOver = false;

  constructor(
    context: TraceContext,
    start: SpanStart & { readonly startMs: number },
    deps: { readonly nowMs: () => number; readonly ended: (span: EndedSpan) => void },
  ) {
    this.context = context;
    this.#start = start;
    this.#deps = deps;
    this.#name = start.name;
    this.#attributes = { ...start.attributes };
  }

  rename(name: string): void {
    this.#name = name;
  }

  has(attributes: Attributes): void {
    Object.assign(this.#attributes, attributes);
  }

  event(name: string, attributes: Attributes = {}): void {
    if (this.#events.length < eventsMax) this.#events.push({ name, atMs: this.#deps.nowMs(), attributes });
  }

  fails(why: string): void {
    this.#failure = why;
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { parent, kind = "internal", links = [], startMs } = this.#start;
    this.#deps.ended({
      context: this.context,
      parentId: parent?.spanId,
      name: this.#name,
      kind,
      startMs,
      endMs: Math.max(startMs, this.#deps.nowMs()),
      attributes: this.#attributes,
      events: this.#events,
      links,
      failure: this.#failure,
    });
  }
}
