import type { Clock } from "../../../base/os/clock.ts";
import type { Meter } from "../../../base/os/metrics.ts";

/** Runs the work of compiling or evaluating the rules of one schema, and measures how long it takes. */
export interface RuleTimes {
  compiling<T>(work: () => T): T;
  running<T>(work: () => T): T;
}

/** For those who do not measure. */
export const untimed: RuleTimes = { compiling: (work) => work(), running: (work) => work() };

const boundsSeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Under Kubernetes' names: rules of custom resources alone, policies have figures of their own. */
export function ruleTimes(meter: Meter, clock: Clock): RuleTimes {
  const measured = (name: string, help: string): RuleTimes["running"] => {
    const seconds = meter.buckets<never>(name, help, boundsSeconds).of({});
    return (work) => {
      const startedMs = clock.monotonicMs();
      try {
        return work();
      } finally {
        seconds.observe((clock.monotonicMs() - startedMs) / 1000);
      }
    };
  };
  return {
    compiling: measured(
      "apiserver_cel_compilation_duration_seconds",
      "[BETA] CEL compilation time in seconds.",
    ),
    running: measured("apiserver_cel_evaluation_duration_seconds", "[BETA] CEL evaluation time in seconds."),
  };
}
