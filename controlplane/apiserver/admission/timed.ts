import type { Clock } from "../../../base/os/clock.ts";
import type { Meter } from "../../../base/os/metrics.ts";
import type { Buckets } from "../../../base/os/tally.ts";
import type { Admission, Phases, Plugin } from "./admission.ts";

const boundsSeconds = [0.005, 0.025, 0.1, 0.5, 1, 2.5];

/** How long admission takes, under Kubernetes' names: each plugin's part, and each phase as a whole. */
export const admissionMetrics = (meter: Meter) => ({
  controllers: meter.buckets<"name" | "operation" | "rejected" | "type">(
    "apiserver_admission_controller_admission_duration_seconds",
    "[STABLE] Admission controller latency histogram in seconds, identified by name and broken out for each operation and API resource and type (validate or admit).",
    boundsSeconds,
  ),
  steps: meter.buckets<"operation" | "rejected" | "type">(
    "apiserver_admission_step_admission_duration_seconds",
    "[STABLE] Admission sub-step latency histogram in seconds, broken out for each operation and API resource and step type (validate or admit).",
    boundsSeconds,
  ),
});
export type AdmissionMetrics = ReturnType<typeof admissionMetrics>;

export interface TimedDeps {
  readonly clock: Clock;
  readonly durations: AdmissionMetrics;
}

type Type = "admit" | "validate";

export function timedPlugin({ clock, durations }: TimedDeps, name: string, plugin: Plugin): Plugin {
  const of = (type: Type, step: Admission | undefined) =>
    step &&
    timed(clock, step, (operation, rejected) =>
      durations.controllers.of({ name, operation, rejected, type }),
    );
  const [mutate, validate] = [of("admit", plugin.mutate), of("validate", plugin.validate)];
  return { ...plugin, ...(mutate && { mutate }), ...(validate && { validate }) };
}

export function timedPhases({ clock, durations }: TimedDeps, phases: Phases): Phases {
  const of = (type: Type, step: Admission) =>
    timed(clock, step, (operation, rejected) => durations.steps.of({ operation, rejected, type }));
  return { ...phases, mutate: of("admit", phases.mutate), validate: of("validate", phases.validate) };
}

/** Which buckets count is looked up once for each operation and end. */
function timed(
  clock: Clock,
  step: Admission,
  bucketsFor: (operation: string, rejected: string) => Buckets,
): Admission {
  const known = new Map<string, Buckets>();
  const observe = (operation: string, rejected: boolean, startedMs: number) => {
    const key = rejected ? `${operation} rejected` : operation;
    let buckets = known.get(key);
    if (buckets === undefined) {
      buckets = bucketsFor(operation.toUpperCase(), String(rejected));
      known.set(key, buckets);
    }
    buckets.observe((clock.monotonicMs() - startedMs) / 1000);
  };
  const untilEnd = async (under: Promise<void>, operation: string, startedMs: number): Promise<void> => {
    try {
      await under;
    } catch (error) {
      observe(operation, true, startedMs);
      throw error;
    }
    observe(operation, false, startedMs);
  };
  return (attributes) => {
    const { operation } = attributes;
    const startedMs = clock.monotonicMs();
    let under: Promise<void> | undefined | void;
    try {
      under = step(attributes);
    } catch (error) {
      observe(operation, true, startedMs);
      throw error;
    }
    if (under !== undefined) return untilEnd(under, operation, startedMs);
    observe(operation, false, startedMs);
    return undefined;
  };
}
