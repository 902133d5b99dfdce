import type { Clock } from "../../base/os/clock.ts";
import { below, type Random } from "../../base/os/random.ts";
import type { Container, Probe } from "../../client/types.ts";
import type { Runtime } from "../runtime/seam.ts";
import { expandVariables } from "../sync/environment.ts";
import { type ProbeResult, type ProbeTarget, runProbe } from "./run-probe.ts";

type Kind = "startup" | "liveness" | "readiness";

/** A probe that failed so often that its container is to be killed. */
export interface ProbeFailure {
  readonly kind: "startup" | "liveness";
}

/** Of a warning, as events have it. */
export interface ProbeTrouble {
  readonly reason: "Unhealthy" | "ProbeWarning";
  readonly message: string;
}

export interface ProbeEvents {
  /** A container became ready or unready, started, or is to be killed. */
  readonly onChange: (podUid: string) => void;
  readonly onTrouble: (podUid: string, container: string, trouble: ProbeTrouble) => void;
}

interface Watched {
  readonly podUid: string;
  readonly target: ProbeTarget;
  readonly probes: Map<Kind, Track>;
  started: boolean;
  ready: boolean;
  /** Set when it is to be killed: why. */
  failed: ProbeFailure | undefined;
}

interface Track {
  readonly probe: Probe;
  dueMs: number;
  busy: boolean;
  successes: number;
  failures: number;
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
    const probes = new Map<Kind, Track>();
    const add = (kind: Kind, asked: Probe | undefined) => {
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
    this.#watched.set(containerId, {
      podUid,
      target: { containerId, container, podIp },
      probes,
      // Without a startup probe a container counts as started, whatever was reported before we watched it.
      started: container.startupProbe === undefined || (kept?.started ?? false),
      ready: container.readinessProbe === undefined || (kept?.ready ?? false),
      failed: undefined,
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

  *#active(): Generator<[Watched, Track, Kind]> {
    for (const one of this.#watched.values()) {
      if (one.failed !== undefined) continue;
      for (const [kind, track] of one.probes)
        if ((kind === "startup") === !one.started) yield [one, track, kind];
    }
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
        if (this.#watched.get(one.target.containerId) === one) this.#take(one, track, kind, result);
        this.#arm();
      });
    }
    this.#arm();
  }

  #take(one: Watched, track: Track, kind: Kind, result: ProbeResult): void {
    const { ok, isErrored } = result;
    const trouble = troubleOf(kind, result);
    if (trouble !== undefined) this.#events.onTrouble(one.podUid, one.target.container.name, trouble);
    if (isErrored) return;
    track.successes = ok ? track.successes + 1 : 0;
    track.failures = ok ? 0 : track.failures + 1;
    const before = `${one.started} ${one.ready} ${one.failed?.kind}`;
    if (ok && track.successes >= (track.probe.successThreshold ?? 1)) {
      if (kind === "startup") one.started = true;
      if (kind === "readiness") one.ready = true;
    }
    if (!ok && track.failures >= (track.probe.failureThreshold ?? 3)) {
      if (kind === "readiness") one.ready = false;
      else one.failed = { kind };
    }
    if (before !== `${one.started} ${one.ready} ${one.failed?.kind}`) this.#events.onChange(one.podUid);
  }
}

/** A command as the container's own command has it, of variables whose value stands in the pod. A hook's does not. Pure. */
function withVariables(probe: Probe, { env = [] }: Container): Probe {
  if (probe.exec?.command === undefined) return probe;
  const own = new Map(env.map(({ name, value }) => [name, value ?? ""]));
  return { ...probe, exec: { command: probe.exec.command.map((word) => expandVariables(word, own)) } };
}

/** As Kubernetes words it. Pure. */
function troubleOf(kind: Kind, { ok, message, isErrored, isWarning }: ProbeResult): ProbeTrouble | undefined {
  const name = `${kind[0]?.toUpperCase()}${kind.slice(1)} probe`;
  if (isErrored)
    return { reason: "Unhealthy", message: `${name} errored and resulted in unknown state: ${message}` };
  if (!ok) return { reason: "Unhealthy", message: `${name} failed: ${message}` };
  return isWarning ? { reason: "ProbeWarning", message: `${name} warning: ${message}` } : undefined;
}
