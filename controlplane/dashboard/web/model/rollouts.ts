import {
  daemonSetRollout,
  deploymentRollout,
  type RolloutState,
} from "../../../../client/rules/rollout-state.ts";
import type { DaemonSet, Deployment } from "../../../../client/types.ts";
import type { KubeObject } from "../api/object-feed.ts";

/** What is being rolled out, or runs to its end. Pure. */
export interface Rollout {
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
  readonly done: number;
  readonly all: number;
  /** What it waits for. */
  readonly says: string;
  readonly isStuck: boolean;
  /** When it began, as far as the object tells. */
  readonly since: string;
}

interface Counts {
  readonly generation?: number;
  readonly status: Readonly<Record<string, unknown>>;
  readonly wanted: number;
}

const number = (value: unknown): number => (typeof value === "number" ? value : 0);

/** Those that are on their way; the youngest first. */
export function rolloutsOf(objects: Iterable<KubeObject>): readonly Rollout[] {
  const found: Rollout[] = [];
  for (const object of objects) {
    const rollout = object.metadata.deletionTimestamp === undefined ? rolloutOf(object) : undefined;
    if (rollout !== undefined) found.push(rollout);
  }
  return found.sort((a, b) => b.since.localeCompare(a.since) || a.name.localeCompare(b.name));
}

function rolloutOf(object: KubeObject): Rollout | undefined {
  const { kind = "", metadata, spec = {}, status = {} } = object;
  const { name, namespace = "", creationTimestamp = "" } = metadata;
  const of = { kind, name, namespace };
  const counts = { status, wanted: spec.replicas === undefined ? 1 : number(spec.replicas) };
  switch (kind) {
    case "Deployment": {
      if (spec.paused === true) return undefined;
      const state = deploymentRollout(object as unknown as Deployment);
      const done = Math.min(number(status.updatedReplicas), number(status.availableReplicas));
      return from(of, state, { done, all: counts.wanted, since: beganOf(status, creationTimestamp) });
    }
    case "DaemonSet": {
      const state = daemonSetRollout(object as unknown as DaemonSet);
      const done = Math.min(number(status.updatedNumberScheduled), number(status.numberAvailable));
      return from(of, state, { done, all: number(status.desiredNumberScheduled), since: creationTimestamp });
    }
    case "StatefulSet":
      return statefulSet(of, { ...counts, generation: metadata.generation ?? 0 }, creationTimestamp);
    case "Job":
      return job(of, spec, status, creationTimestamp);
    default:
      return undefined;
  }
}

type Named = Pick<Rollout, "kind" | "name" | "namespace">;

function from(
  of: Named,
  state: RolloutState,
  counts: Pick<Rollout, "done" | "all" | "since">,
): Rollout | undefined {
  if (state.state === "done") return undefined;
  return { ...of, ...counts, says: plain(state.message), isStuck: state.state === "failed" };
}

/** Its name stands beside it. */
const plain = (message: string): string =>
  message.replace(/^Waiting for .* rollout to finish: /, "").replace(/\.\.\.$/, "");

function statefulSet(
  of: Named,
  { generation = 0, status, wanted }: Counts,
  since: string,
): Rollout | undefined {
  const ready = number(status.availableReplicas);
  const isNew = status.updateRevision === undefined || status.currentRevision === status.updateRevision;
  const updated = isNew ? wanted : number(status.updatedReplicas);
  const isSeen = number(status.observedGeneration) >= generation;
  const there = number(status.replicas);
  if (isSeen && ready === wanted && updated >= wanted && there === wanted) return undefined;
  const says = !isSeen
    ? "its new spec is not seen yet"
    : updated < wanted
      ? `${updated} of ${wanted} pods are of the new revision`
      : there > wanted
        ? `${there - wanted} pods too many are there still`
        : `${ready} of ${wanted} pods are available`;
  return { ...of, done: Math.min(ready, updated), all: wanted, says, isStuck: false, since };
}

function job(
  of: Named,
  spec: Readonly<Record<string, unknown>>,
  status: Readonly<Record<string, unknown>>,
  since: string,
): Rollout | undefined {
  const conditions = (Array.isArray(status.conditions) ? status.conditions : []) as readonly {
    readonly type: string;
    readonly status: string;
  }[];
  const is = (type: string) => conditions.some((one) => one.type === type && one.status === "True");
  if (is("Complete") || is("Failed") || is("Suspended") || spec.suspend === true) return undefined;
  const all = number(spec.completions) || number(spec.parallelism) || 1;
  const done = number(status.succeeded);
  const failed = number(status.failed);
  const says = [
    `${number(status.active)} running`,
    `${done} of ${all} done`,
    ...(failed > 0 ? [`${failed} failed`] : []),
  ];
  const started = typeof status.startTime === "string" ? status.startTime : since;
  return { ...of, done, all, says: says.join(", "), isStuck: is("FailureTarget"), since: started };
}

/** Of a deployment: since when it has made progress towards where it is going. */
function beganOf(status: Readonly<Record<string, unknown>>, otherwise: string): string {
  const conditions = (Array.isArray(status.conditions) ? status.conditions : []) as readonly {
    readonly type: string;
    readonly lastUpdateTime?: string;
  }[];
  return conditions.find(({ type }) => type === "Progressing")?.lastUpdateTime ?? otherwise;
}
