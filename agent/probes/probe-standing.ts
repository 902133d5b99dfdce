import type { Container, Probe } from "../../client/types.ts";

export type ProbeKind = "startup" | "liveness" | "readiness";

/** A probe that failed so often that its container is to be killed. */
export interface ProbeFailure {
  readonly kind: "startup" | "liveness";
}

/** What a container's probes have made of it. */
export interface ProbeStanding {
  started: boolean;
  ready: boolean;
  /** Set when it is to be killed: why. */
  failed: ProbeFailure | undefined;
}

/** Results of one probe in a row. */
export interface ProbeTally {
  successes: number;
  failures: number;
}

/** Without a startup probe a container counts as started, and without one of readiness as ready. */
export function firstStanding({ startupProbe, readinessProbe }: Container): ProbeStanding {
  return { started: startupProbe === undefined, ready: readinessProbe === undefined, failed: undefined };
}

/** Which probes are run: that of the start until it has passed, then the others. */
export const isProbed = (kind: ProbeKind, { started, failed }: ProbeStanding): boolean =>
  failed === undefined && (kind === "startup") === !started;

/** Counts one result of a probe. True if it changed how the container stands. */
export function countResult(
  standing: ProbeStanding,
  tally: ProbeTally,
  { kind, probe, ok }: { readonly kind: ProbeKind; readonly probe: Probe; readonly ok: boolean },
): boolean {
  tally.successes = ok ? tally.successes + 1 : 0;
  tally.failures = ok ? 0 : tally.failures + 1;
  const { started, ready, failed } = standing;
  if (ok && tally.successes >= (probe.successThreshold ?? 1)) {
    if (kind === "startup") standing.started = true;
    if (kind === "readiness") standing.ready = true;
  }
  if (!ok && tally.failures >= (probe.failureThreshold ?? 3)) {
    if (kind === "readiness") standing.ready = false;
    else standing.failed = { kind };
  }
  return standing.started !== started || standing.ready !== ready || standing.failed !== failed;
}

/** Of an event, as Kubernetes words it. */
export const failedProbeMessage = (kind: ProbeKind, message: string): string =>
  `${kind[0]?.toUpperCase()}${kind.slice(1)} probe failed: ${message}`;
