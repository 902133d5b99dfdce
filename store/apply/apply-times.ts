import { goDurationText } from "../../base/go-duration-text.ts";
import type { Clock } from "../../base/os/clock.ts";
import type { Log } from "../../base/os/log.ts";
import { exponentialBuckets, type Meter } from "../../base/os/metrics.ts";
import type { Buckets, TallyFamily } from "../../base/os/tally.ts";
import { operationName, TimesByOutcome } from "../request-times.ts";
import { loggedText, type SlowApplies } from "../slow-applies.ts";
import type { LoggedRequest, RequestKind } from "./logged-request.ts";

const bounds = exponentialBuckets(0.000_1, 2, 20);

/** Of one kind of request: how many were applied since times were last told. */
class Applied {
  readonly times: TimesByOutcome;
  succeeded = 0;
  failed = 0;

  constructor(times: TimesByOutcome) {
    this.times = times;
  }

  tell(eachSeconds: number): void {
    if (this.succeeded > 0) this.times.succeeded.observeMany(eachSeconds, this.succeeded);
    if (this.failed > 0) this.times.failed.observeMany(eachSeconds, this.failed);
    this.succeeded = this.failed = 0;
  }
}

/** How long requests of the log take to be applied. Those that are applied in one go share its time equally: to ask the clock for
 *  each would take longer than some of them do. */
export class ApplyTimes {
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #family: TallyFamily<"version" | "op" | "success", Buckets>;
  readonly #byKind = new Map<RequestKind, Applied>();
  readonly #slow: SlowApplies;
  readonly #log: Pick<Log, "warn">;
  #count = 0;
  /** Of the present go. */
  #first: LoggedRequest | undefined;

  constructor(parts: {
    readonly meter: Meter;
    readonly clock: Pick<Clock, "monotonicMs">;
    readonly slow: SlowApplies;
    readonly log: Pick<Log, "warn">;
  }) {
    this.#clock = parts.clock;
    this.#slow = parts.slow;
    this.#log = parts.log;
    this.#family = parts.meter.buckets(
      "etcd_server_apply_duration_seconds",
      "The latency distributions of v2 apply called by backend.",
      bounds,
    );
  }

  nowMs(): number {
    return this.#clock.monotonicMs();
  }

  /** One was applied in the present go. */
  applied(request: LoggedRequest, isOk: boolean): void {
    const applied = this.#of(request.kind);
    if (isOk) applied.succeeded++;
    else applied.failed++;
    this.#count++;
    this.#first ??= request;
  }

  /** Ends a go that began then. */
  tell(startMs: number): void {
    const count = this.#count;
    const first = this.#first;
    if (first === undefined) return;
    this.#count = 0;
    this.#first = undefined;
    const tookMs = this.nowMs() - startMs;
    for (const applied of this.#byKind.values()) applied.tell(tookMs / 1_000 / count);
    if (tookMs <= this.#slow.warningMs) return;
    const others = count === 1 ? "" : ` and ${count - 1} more, applied in one go`;
    this.#slow.tell(tookMs, { prefix: "", request: textOf(first) + others });
  }

  /** One that took several turns, from then on. */
  alone(request: LoggedRequest, isOk: boolean, startMs: number): void {
    const { times } = this.#of(request.kind);
    const tookMs = this.nowMs() - startMs;
    (isOk ? times.succeeded : times.failed).observe(tookMs / 1_000);
    if (tookMs > this.#slow.warningMs) this.#slow.tell(tookMs, { prefix: "", request: textOf(request) });
  }

  /** Tells that one was refused, and how long after its go began. */
  failed(request: LoggedRequest, error: Error, startMs: number): void {
    this.#log.warn("failed to apply request", {
      took: goDurationText(this.nowMs() - startMs),
      request: textOf(request),
      response: "",
      error,
    });
  }

  #of(kind: RequestKind): Applied {
    let applied = this.#byKind.get(kind);
    if (applied === undefined) {
      const labels = { version: "v3", op: operationName(kind) };
      applied = new Applied(new TimesByOutcome((success) => this.#family.of({ ...labels, success })));
      this.#byKind.set(kind, applied);
    }
    return applied;
  }
}

const textOf = ({ id, kind, body }: LoggedRequest): string => loggedText(id, kind, body);
