import { type Clock, systemClock } from "../base/os/clock.ts";

/** A clock by which time passes `factor` times as fast from now on: what waits for minutes is tried in seconds. */
export function speedyClock(factor: number): Clock {
  const [startMs, startWallMs] = [systemClock.monotonicMs(), systemClock.wallMs()];
  const passedMs = () => (systemClock.monotonicMs() - startMs) * factor;
  return {
    monotonicMs: () => startMs + passedMs(),
    wallMs: () => Math.round(startWallMs + passedMs()),
    after: (delayMs, fire) => systemClock.after(delayMs / factor, fire),
  };
}
