import { MovableClock } from "../../base/os/movable-clock.ts";

/** A clock that stands still until told to move; between two timers, promises that can settle do. */
export class ManualClock extends MovableClock {
  constructor({ wallStartMs: startMs = Date.UTC(2026, 0, 1) }: { readonly wallStartMs?: number } = {}) {
    super({ runs: false, startMs }, settle);
  }
}

/** Lets every promise settle that needs no timer and no IO. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
