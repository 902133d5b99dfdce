import { type Duration, durationMs } from "../../base/duration.ts";
import type { Container, Probe } from "../../client/types.ts";
import {
  countResult,
  failedProbeMessage,
  firstStanding,
  isProbed,
  type ProbeKind,
  type ProbeStanding,
  type ProbeTally,
} from "../probes/probe-standing.ts";
import type { ContainerRun, PodBehaviour, ProbeOutcome, ProbeScript } from "./pod-behaviour.ts";
import type { TellEvent } from "./simulated-pulls.ts";

interface Track extends ProbeTally {
  readonly kind: ProbeKind;
  readonly probe: Probe;
  dueMs: number;
  /** How many results there are. */
  count: number;
}

/** What is said of one run of a container. */
export interface ProbeContext {
  readonly nowMs: number;
  readonly startedAtMs: number;
  readonly scripts: NonNullable<PodBehaviour["probe"]>;
  readonly runAt: (ms: number) => ContainerRun;
  readonly tell: TellEvent;
}

/** The probes of one run of a container, whose results a script gives, at the pod's own periods. */
export class SimulatedProbes {
  readonly standing: ProbeStanding;
  readonly #tracks: readonly Track[];

  constructor(container: Container, scripts: ProbeContext["scripts"], startedAtMs: number) {
    this.standing = firstStanding(container);
    const { startupProbe, livenessProbe, readinessProbe } = container;
    const tracks: Track[] = [];
    for (const [kind, probe] of [
      ["startup", startupProbe],
      ["liveness", livenessProbe],
      ["readiness", readinessProbe],
    ] as const) {
      if (probe === undefined) continue;
      if (scripts[kind] === undefined) {
        if (kind === "startup") this.standing.started = true;
        if (kind === "readiness") this.standing.ready = true;
        continue;
      }
      const dueMs = startedAtMs + (probe.initialDelaySeconds ?? 0) * 1000;
      tracks.push({ kind, probe, dueMs, count: 0, successes: 0, failures: 0 });
    }
    this.#tracks = tracks;
  }

  /** Runs all that is due. Answers when something can happen next; undefined: nothing will. */
  advance(context: ProbeContext): number | undefined {
    const { nowMs, tell } = context;
    for (;;) {
      const [next] = this.#active(context).sort((a, b) => a.dueMs - b.dueMs);
      if (next === undefined) return undefined;
      if (next.dueMs > nowMs) return next.dueMs;
      const { kind, probe, count } = next;
      const found = outcomeOf(context.scripts[kind], count, next.dueMs, context);
      const ok = found === true || found === "ok";
      if (!ok) {
        const why = typeof found === "string" && found !== "fail" ? found : usualFailure(probe);
        tell("Warning", "Unhealthy", failedProbeMessage(kind, why));
      }
      next.count++;
      const ranMs = next.dueMs;
      next.dueMs += (probe.periodSeconds ?? 10) * 1000;
      const wasStarted = this.standing.started;
      countResult(this.standing, next, { kind, probe, ok });
      if (this.standing.started && !wasStarted)
        for (const track of this.#tracks) track.dueMs = Math.max(track.dueMs, ranMs);
    }
  }

  /** Those that are run, and can still change anything. */
  #active({ scripts, startedAtMs }: ProbeContext): Track[] {
    return this.#tracks.filter((track) => {
      const { kind, probe, count, successes, dueMs } = track;
      if (!isProbed(kind, this.standing)) return false;
      const isSettled = successes >= (probe.successThreshold ?? 1);
      return !(isSettled && staysWell(scripts[kind], count, dueMs - startedAtMs));
    });
  }
}

function outcomeOf(
  script: ProbeScript | undefined,
  count: number,
  atMs: number,
  { startedAtMs, runAt }: ProbeContext,
): ProbeOutcome {
  if (script === undefined) return true;
  if (typeof script === "function") return script(runAt(atMs));
  if (isList(script)) return script[Math.min(count, script.length - 1)] ?? true;
  if (typeof script !== "object") return script;
  const elapsedMs = atMs - startedAtMs;
  return elapsedMs >= msOf(script.from, 0) && elapsedMs < msOf(script.until, Number.POSITIVE_INFINITY);
}

/** Whether every result from now on is a good one. */
function staysWell(script: ProbeScript | undefined, count: number, elapsedMs: number): boolean {
  if (typeof script === "function") return false;
  if (typeof script !== "object") return script === undefined || script === true || script === "ok";
  if (isList(script))
    return script.slice(Math.min(count, script.length - 1)).every((one) => one === true || one === "ok");
  return script.until === undefined && elapsedMs >= msOf(script.from, 0);
}

const isList = (script: ProbeScript): script is readonly ProbeOutcome[] => Array.isArray(script);

const msOf = (duration: Duration | undefined, otherwiseMs: number): number =>
  duration === undefined ? otherwiseMs : durationMs(duration);

const usualFailure = ({ httpGet }: Probe): string =>
  httpGet === undefined ? "the script says so" : "HTTP probe failed with statuscode: 503";
