import type { Clock } from "../os/clock.ts";
import { type Random, randomBytes } from "../os/random.ts";
import { type EndedSpan, Span, type SpanStart } from "./span.ts";
import type { TraceContext } from "./trace-context.ts";

export interface TracerDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly ended: (span: EndedSpan) => void;
}

export const millionth = 1_000_000;

/** Begins spans. As OpenTelemetry's ParentBased: what hangs on a span is sampled as that is; of what begins a trace, so many of a
 *  million are, by the trace's id. */
export class Tracer {
  readonly #ratePerMillion: number;
  readonly #deps: TracerDeps;
  /** Times of one program go on evenly, whatever becomes of the wall's clock. */
  readonly #zeroMs: number;

  constructor(ratePerMillion: number, deps: TracerDeps) {
    this.#ratePerMillion = ratePerMillion;
    this.#deps = deps;
    this.#zeroMs = deps.clock.wallMs() - deps.clock.monotonicMs();
  }

  nowMs = (): number => this.#zeroMs + this.#deps.clock.monotonicMs();

  /** When that was, by the clock that only ever rises. */
  atMs = (monotonicMs: number): number => this.#zeroMs + monotonicMs;

  /** Undefined where it is not sampled. */
  start(start: SpanStart): Span | undefined {
    const { parent } = start;
    if (parent !== undefined && !parent.isSampled) return undefined;
    if (parent === undefined && this.#ratePerMillion === 0) return undefined;
    const traceId = parent?.traceId ?? this.#id(16);
    if (parent === undefined && !isTaken(traceId, this.#ratePerMillion)) return undefined;
    const context: TraceContext = { traceId, spanId: this.#id(8), isSampled: true };
    const { ended } = this.#deps;
    return new Span(
      context,
      { ...start, startMs: start.startMs ?? this.nowMs() },
      { nowMs: this.nowMs, ended },
    );
  }

  #id(bytes: number): string {
    for (;;) {
      const id = Buffer.from(randomBytes(this.#deps.random, bytes)).toString("hex");
      if (!/^0+$/.test(id)) return id;
    }
  }
}

/** As OpenTelemetry's TraceIDRatioBased for Go: by the id's last 63 bits, so that all programs agree. */
function isTaken(traceId: string, ratePerMillion: number): boolean {
  if (ratePerMillion >= millionth) return true;
  const bound = (BigInt(ratePerMillion) * (1n << 63n)) / BigInt(millionth);
  return BigInt(`0x${traceId.slice(16)}`) >> 1n < bound;
}
