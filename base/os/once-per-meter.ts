import type { Meter } from "./metrics.ts";

/** Declares a subsystem's metrics the first time a registry is shown, and gives the same ones from then on: what starts anew in
 *  a process shares them. */
export function oncePerMeter<T>(declare: (meter: Meter) => T): (meter: Meter) => T {
  const declared = new WeakMap<Meter, T>();
  return (meter) => {
    const metrics = declared.get(meter) ?? declare(meter);
    declared.set(meter, metrics);
    return metrics;
  };
}
