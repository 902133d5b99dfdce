import type { KubeObject } from "../api/object-feed.ts";
import { containersOf } from "./pods.ts";
import { selectorText } from "./related.ts";

/** A container whose log is read. */
export interface LogSource {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  /** It has written, or could have. */
  readonly hasStarted: boolean;
  readonly isRunning: boolean;
}

export const sourceKey = ({ namespace, pod, container }: LogSource): string =>
  `${namespace}/${pod}/${container}`;

const neverStarted = /^(Waiting|PodInitializing|ContainerCreating|CreateContainer\w*)$|Image/;

/** The containers of pods, by age of the pods. Pure. */
export function logSources(pods: Iterable<KubeObject>): readonly LogSource[] {
  const born = (pod: KubeObject) => pod.metadata.creationTimestamp ?? "";
  return [...pods]
    .sort((a, b) => born(a).localeCompare(born(b)) || a.metadata.name.localeCompare(b.metadata.name))
    .flatMap((pod) =>
      containersOf(pod).map(({ name, state, restarts }) => ({
        namespace: pod.metadata.namespace ?? "",
        pod: pod.metadata.name,
        container: name,
        hasStarted: restarts > 0 || !neverStarted.test(state),
        isRunning: state.startsWith("Running"),
      })),
    );
}

const selecting = new Set([
  "apps/deployments",
  "apps/statefulsets",
  "apps/daemonsets",
  "apps/replicasets",
  "batch/jobs",
  "core/replicationcontrollers",
  "core/services",
]);

/** How a list of the pods is asked for whose logs are an object's; undefined where it has none. Pure. */
export function logQuery(kindKey: string, object: KubeObject): Readonly<Record<string, string>> | undefined {
  if (kindKey === "core/pods") return { fieldSelector: `metadata.name=${object.metadata.name}` };
  const labelSelector = podSelector(kindKey, object);
  return labelSelector === undefined ? undefined : { labelSelector };
}

/** The label selector of an object's pods; undefined where it has none. Pure. */
export function podSelector(kindKey: string, { spec }: KubeObject): string | undefined {
  if (!selecting.has(kindKey)) return undefined;
  const selector = spec?.selector as Parameters<typeof selectorText>[0] & Readonly<Record<string, string>>;
  const isPlain = kindKey === "core/services" || kindKey === "core/replicationcontrollers";
  return selectorText(isPlain ? { matchLabels: selector ?? {} } : (selector ?? {})) || undefined;
}

/** Names without what all begin with, up to a dash, so that what differs stands first. Pure. */
export function shortNames(names: readonly string[]): readonly string[] {
  const [first = "", ...others] = names;
  if (others.length === 0) return names;
  let shared = first.length;
  for (const name of others) while (!name.startsWith(first.slice(0, shared))) shared--;
  const from = first.lastIndexOf("-", shared - 1) + 1;
  return names.some((name) => name.length <= from) ? names : names.map((name) => name.slice(from));
}

export interface LogRange {
  /** How long ago it begins, in seconds. */
  readonly sinceSeconds?: number;
  readonly from?: string;
  readonly until?: string;
}

const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** A time range as the address has it: `since=15m`, or `from` and `until` as times. What is none is left out. Pure. */
export function readRange(params: {
  readonly since: string;
  readonly from: string;
  readonly until: string;
}): LogRange {
  const match = /^(\d{1,6})([smhd])$/.exec(params.since);
  const timeOf = (text: string) =>
    Number.isNaN(Date.parse(text)) ? undefined : new Date(text).toISOString();
  const [from, until] = [timeOf(params.from), timeOf(params.until)];
  return {
    ...(match && { sinceSeconds: Number(match[1]) * (units[match[2] ?? ""] ?? 1) }),
    ...(from && { from }),
    ...(until && { until }),
  };
}

export interface LogPathWish {
  readonly range: LogRange;
  readonly previous: boolean;
  readonly tailLines: number;
  /** The stamp of the last line that came: what is older is not asked for again. */
  readonly after: string;
}

/** Where the API has a container's log. Pure. */
export function logPath({ namespace, pod, container }: LogSource, wish: LogPathWish): string {
  const { range, previous, tailLines, after } = wish;
  const query = new URLSearchParams({ container, timestamps: "true" });
  if (previous) query.set("previous", "true");
  else if (range.until === undefined) query.set("follow", "true");
  if (after !== "") query.set("sinceTime", after);
  else if (range.from !== undefined) query.set("sinceTime", range.from);
  else if (range.sinceSeconds !== undefined) query.set("sinceSeconds", String(range.sinceSeconds));
  // The last lines before a time cannot be asked for, so that all are read.
  if (after === "" && range.until === undefined) query.set("tailLines", String(tailLines));
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/log?${query}`;
}
