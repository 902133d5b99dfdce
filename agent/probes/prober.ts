import type { Clock } from "../../base/os/clock.ts";
import { below, type Random } from "../../base/os/random.ts";
import type { Container, Probe } from "../../client/types.ts";
import type { Runtime } from "../runtime/seam.ts";
import { expandVariables } from "../sync/environment.ts";
import type { ProbeOutcome } from "./probe-counts.ts";
import {
  countResult,
  failedProbeMessage,
  firstStanding,
  isProbed,
  type ProbeFailure,
  type ProbeKind,
  type ProbeStanding,
  type ProbeTally,
} from "./probe-standing.ts";
import { type ProbeResult, type ProbeTarget, runProbe } from "./run-probe.ts";

/** Of a warning, as events have it. */
export interface ProbeTrouble {
  readonly reason: "Unhealthy" | "ProbeWarning";
  readonly message: string;
}

export interface ProbeEvents {
  /** A container became ready or unready, started, or is to be killed. */
  readonly onChange: (podUid: string) => void;
  readonly onTrouble: (podUid: string, container: string, trouble: ProbeTrouble) => void;
  /** Every probe that went to its end. */
  readonly onOutcome?: (outcome: ProbeOutcome) => void;
}

interface Watched extends ProbeStanding {
  readonly podUid: string;
  readonly target: ProbeTarget;
  readonly probes: Map<ProbeKind, Track>;
}

interface Track extends ProbeTally {
  readonly probe: Probe;
  dueMs: number;
  busy: boolean;
}

interface Probed {
  readonly kind: ProbeKind;
  readonly result: ProbeResult;
  readonly seconds: number;
}

/** All probes of a node. One timer is set, for the earliest that is due. */
export class Prober {
  readonly #deps: { readonly runtime: Runtime; readonly clock: Clock; readonly random: Random };
  readonly #events: ProbeEvents;
  readonly #watched = new Map<string, Watched>();
  #cancel: () => void = () => undefined;
  #timerMs = Number.POSITIVE_INFINITY;
  #stopped = false;

  constructor(
    deps: { readonly runtime: Runtime; readonly clock: Clock; readonly random: Random },
    events: ProbeEvents,
  ) {
    this.#deps = deps;
    this.#events = events;
  }

  /** Begins to probe a running container; again is fine. `kept` is what its status said before the agent restarted. */
  watch(
    podUid: string,
    containerId: string,
    container: Container,
    podIp: string,
    kept?: { readonly started: boolean; readonly ready: boolean },
    startedAtMs?: number,
  ): void {
    if (this.#watched.has(containerId)) return;
    const nowMs = this.#deps.clock.monotonicMs();
    const ageMs = startedAtMs === undefined ? 0 : Math.max(0, this.#deps.clock.wallMs() - startedAtMs);
    const probes = new Map<ProbeKind, Track>();
    const add = (kind: ProbeKind, asked: Probe | undefined) => {
      if (asked === undefined) return;
      const probe = withVariables(asked, container);
      const delayMs = Math.max(0, (probe.initialDelaySeconds ?? 0) * 1000 - ageMs);
      // After a restart of the agent all would be due at once.
      const spreadMs = kept === undefined ? 0 : below(this.#deps.random, (probe.periodSeconds ?? 10) * 1000);
      probes.set(kind, { probe, dueMs: nowMs + delayMs + spreadMs, busy: false, successes: 0, failures: 0 });
    };
    add("startup", container.startupProbe);
    add("liveness", container.livenessProbe);
    add("readiness", container.readinessProbe);
    const first = firstStanding(container);
    this.#watched.set(containerId, {
      podUid,
      target: { containerId, container, podIp },
      probes,
      ...first,
      started: first.started || (kept?.started ?? false),
      ready: first.ready || (kept?.ready ?? false),
    });
    this.#arm();
  }

  /** Forgets containers that no longer run. */
  keepOnly(podUid: string, running: ReadonlySet<string>): void {
    for (const [id, one] of this.#watched)
      if (one.podUid === podUid && !running.has(id)) this.#watched.delete(id);
  }

  isStarted = (id: string): boolean => this.#watched.get(id)?.started ?? false;
  isReady = (id: string): boolean => {
    const one = this.#watched.get(id);
    return one?.started === true && one.ready;
  };
  failureOf = (id: string): ProbeFailure | undefined => this.#watched.get(id)?.failed;

  stop(): void {
    this.#stopped = true;
    this.#cancel();
    this.#watched.clear();
  }

  #arm(): void {
    if (this.#stopped) return;
    let earliestMs = Number.POSITIVE_INFINITY;
    for (const [, track] of this.#active()) if (!track.busy) earliestMs = Math.min(earliestMs, track.dueMs);
    if (earliestMs === this.#timerMs) return;
    this.#cancel();
    this.#timerMs = earliestMs;
    if (earliestMs === Number.POSITIVE_INFINITY) return;
    this.#cancel = this.#deps.clock.after(Math.max(0, earliestMs - this.#deps.clock.monotonicMs()), () => {
      this.#timerMs = Number.POSITIVE_INFINITY;
      this.#runDue();
    });
  }

  *#active(): Generator<[Watched, Track, ProbeKind]> {
    for (const one of this.#watched.values())
      for (const [kind, track] of one.probes) if (isProbed(kind, one)) yield [one, track, kind];
  }

  #runDue(): void {
    const nowMs = this.#deps.clock.monotonicMs();
    for (const [one, track, kind] of [...this.#active()]) {
      if (track.busy || track.dueMs > nowMs) continue;
      track.busy = true;
      const timeoutMs = (track.probe.timeoutSeconds ?? 1) * 1000;
      void runProbe(track.probe, one.target, { timeoutMs }, this.#deps.runtime).then((result) => {
        track.busy = false;
        track.dueMs = nowMs + (track.probe.periodSeconds ?? 10) * 1000;
        const seconds = (this.#deps.clock.monotonicMs() - nowMs) / 1000;
        if (this.#watched.get(one.target.containerId) === one)
          this.#take(one, track, { kind, result, seconds });
        this.#arm();
      });
    }
    this.#arm();
  }

  #take(one: Watched, track: Track, { kind, result, seconds }: Probed): void {
    const { ok, isErrored } = result;
    const told = isErrored ? "unknown" : ok ? "successful" : "failed";
    const { podUid, target } = one;
    this.#events.onOutcome?.({ podUid, container: target.container.name, kind, result: told, seconds });
    const trouble = troubleOf(kind, result);
    if (trouble !== undefined) this.#events.onTrouble(one.podUid, one.target.container.name, trouble);
    if (isErrored) return;
    if (countResult(one, track, { kind, probe: track.probe, ok })) this.#events.onChange(one.podUid);
  }
}

/** A command as the container's own command has it, of variables whose value stands in the pod. A hook's does not. Pure. */
function withVariables(probe: Probe, { env = [] }: Container): Probe {
  if (probe.exec?.command === undefined) return probe;
  const own = new Map(env.map(({ name, value }) => [name, value ?? ""]));
  return { ...probe, exec: { command: probe.exec.command.map((word) => expandVariables(word, own)) } };
}

/** As Kubernetes words it. Pure. */
function troubleOf(
  kind: ProbeKind,
  { ok, message, isErrored, isWarning }: ProbeResult,
): ProbeTrouble | undefined {
  const name = `${kind[0]?.toUpperCase()}${kind.slice(1)} probe`;
  if (isErrored)
    return { reason: "Unhealthy", message: `${name} errored and resulted in unknown state: ${message}` };
  if (!ok) return { reason: "Unhealthy", message: failedProbeMessage(kind, message) };
  return isWarning ? { reason: "ProbeWarning", message: `${name} warning: ${message}` } : undefined;
}
