import type { Clock } from "../../base/os/clock.ts";

export interface Pace {
  /** While there is other work. */
  readonly bytesPerSecond: number;
  /** Of other work, more than which is worth making room for. */
  readonly workPerSecond: number;
}

/** A wait is no longer, nor is it until it is known again whether there is other work. */
const lookEveryMs = 100;

export interface Meanwhile {
  readonly clock: Clock;
  /** How much other work there was so far. */
  readonly work: () => number;
  /** Whether the end must come soon all the same. */
  readonly isPressed: () => boolean;
}

/** Hands chunks on as fast as they are taken while there is no other work, else at a pace that leaves room for it. */
export async function* paced(
  chunks: AsyncIterable<Uint8Array>,
  { bytesPerSecond, workPerSecond }: Pace,
  { clock, work, isPressed }: Meanwhile,
): AsyncIterable<Uint8Array> {
  let period = { isBusy: true, atMs: clock.monotonicMs(), work: work(), bytes: 0 };
  for await (const chunk of chunks) {
    yield chunk;
    const tookMs = clock.monotonicMs() - period.atMs;
    period.bytes += chunk.length;
    const waitMs = period.isBusy && !isPressed() ? (1000 * period.bytes) / bytesPerSecond - tookMs : 0;
    if (waitMs >= 1) await wait(clock, Math.min(waitMs, lookEveryMs));
    const nowMs = clock.monotonicMs();
    if (nowMs < period.atMs + lookEveryMs) continue;
    const perSecond = (1000 * (work() - period.work)) / (nowMs - period.atMs);
    period = { isBusy: perSecond > workPerSecond, atMs: nowMs, work: work(), bytes: 0 };
  }
}

const wait = (clock: Clock, ms: number): Promise<void> =>
  new Promise((resolve) => void clock.after(ms, resolve));
