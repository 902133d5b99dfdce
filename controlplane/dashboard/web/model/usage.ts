import {
  type LabelSelectorShape,
  type Labels,
  selectorFromLabelSelector,
  selectorFromLabels,
  selectorText,
} from "../../../../base/label-selector.ts";
import { parseQuantity } from "../../../../base/quantity.ts";
import type { KubeObject } from "../api/object-feed.ts";
import { amountText, type Measure } from "./chart-amounts.ts";

/** What charts show. Pure. */

export interface Series {
  readonly name: string;
  readonly cpu: readonly (number | null)[];
  readonly memory: readonly (number | null)[];
}

/** What the server answers at `/usage`. */
export interface UsageAnswer {
  readonly source: "memory" | "prometheus";
  readonly notes: readonly string[];
  readonly ranges: readonly string[];
  readonly gapSeconds: number;
  readonly times: readonly number[];
  readonly series: readonly Series[];
  readonly total: Series;
  readonly count: number;
}

/** A height that use is compared with. */
export interface Mark {
  readonly label: string;
  readonly value: number;
}
export type Marks = Readonly<Record<Measure, readonly Mark[]>>;

export interface Subject {
  /** The query of `/usage`. */
  readonly query: Readonly<Record<string, string>>;
  /** What a single line of it is. */
  readonly part: "container" | "pod" | "node";
  readonly marks: Marks;
}

/** Whose use an object's page shows; undefined for kinds that use nothing. */
export function subjectOf(kind: string, object: KubeObject): Subject | undefined {
  const { name, namespace = "" } = object.metadata;
  switch (kind) {
    case "core/nodes":
      return { query: { of: "node", name }, part: "node", marks: nodeMarks(object) };
    case "core/namespaces":
      return { query: { of: "namespace", namespace: name }, part: "pod", marks: noMarks };
    case "core/pods":
      return {
        query: { of: "pod", namespace, name },
        part: "container",
        marks: ofEachContainer(object.spec),
      };
    default: {
      const selector = selectorOf(kind, object.spec);
      if (selector === "") return undefined;
      const { template } = (object.spec ?? {}) as { readonly template?: { readonly spec?: PodSpec } };
      const marks = podMarks(template?.spec, podsWanted(kind, object));
      return { query: { of: "pods", namespace, selector }, part: "pod", marks };
    }
  }
}

const noMarks: Marks = { cpu: [], memory: [] };
const workloads = new Set([
  "apps/deployments",
  "apps/statefulsets",
  "apps/daemonsets",
  "apps/replicasets",
  "batch/jobs",
]);

export const usesSomething = (kind: string): boolean =>
  workloads.has(kind) ||
  ["core/nodes", "core/namespaces", "core/pods", "core/replicationcontrollers"].includes(kind);

function selectorOf(kind: string, spec: KubeObject["spec"]): string {
  const { selector } = spec ?? {};
  if (selector === undefined || selector === null) return "";
  if (kind === "core/replicationcontrollers") return selectorText(selectorFromLabels(selector as Labels));
  if (!workloads.has(kind)) return "";
  const text = selectorText(selectorFromLabelSelector(selector as LabelSelectorShape));
  return text === "<none>" ? "" : text;
}

function podsWanted(kind: string, { spec, status }: KubeObject): number {
  const wanted =
    kind === "apps/daemonsets"
      ? status?.desiredNumberScheduled
      : kind === "batch/jobs"
        ? spec?.parallelism
        : spec?.replicas;
  return typeof wanted === "number" ? wanted : 1;
}

interface PodSpec {
  readonly containers?: readonly {
    readonly name?: string;
    readonly resources?: { readonly requests?: Amounts; readonly limits?: Amounts };
  }[];
}
type Amounts = Readonly<Partial<Record<Measure, string>>>;

/** What the containers of a pod ask for and may not exceed, for so many pods. One that has no limit leaves the sum without. */
function podMarks(spec: PodSpec | undefined, pods: number): Marks {
  const containers = spec?.containers ?? [];
  const sum = (of: "requests" | "limits", measure: Measure) => {
    const amounts = containers.map(({ resources }) => quantity(resources?.[of]?.[measure]));
    const isWhole = of === "requests" || amounts.every((one) => one !== undefined);
    const whole = amounts.reduce<number>((all, one) => all + (one ?? 0), 0);
    return isWhole && whole > 0 && pods > 0 ? whole * pods : undefined;
  };
  const marks = (measure: Measure): readonly Mark[] =>
    (["requests", "limits"] as const).flatMap((of) => {
      const value = sum(of, measure);
      return value === undefined ? [] : [{ label: of === "requests" ? "requested" : "limit", value }];
    });
  return { cpu: marks("cpu"), memory: marks("memory") };
}

/** A pod's page compares each container with its own. */
function ofEachContainer(spec: PodSpec | undefined): Marks {
  const containers = spec?.containers ?? [];
  const all = containers.map((container) => ({
    name: containers.length === 1 ? "" : `${container.name ?? ""} `,
    marks: podMarks({ containers: [container] }, 1),
  }));
  const named = (measure: Measure) =>
    all.flatMap(({ name, marks }) =>
      marks[measure].map(({ label, value }) => ({ label: `${name}${label}`, value })),
    );
  return { cpu: named("cpu"), memory: named("memory") };
}

function nodeMarks({ status }: KubeObject): Marks {
  const room = (status?.allocatable ?? {}) as Amounts;
  const marks = (measure: Measure): readonly Mark[] => {
    const value = quantity(room[measure]);
    return value === undefined ? [] : [{ label: "allocatable", value }];
  };
  return { cpu: marks("cpu"), memory: marks("memory") };
}

/** What all nodes have for pods. */
export function allocatableOf(nodes: Iterable<KubeObject>): Readonly<Record<Measure, number>> {
  const all = { cpu: 0, memory: 0 };
  for (const { status } of nodes)
    for (const measure of ["cpu", "memory"] as const)
      all[measure] += quantity(((status?.allocatable ?? {}) as Amounts)[measure]) ?? 0;
  return all;
}

function quantity(text: unknown): number | undefined {
  try {
    return typeof text === "string" ? parseQuantity(text) : undefined;
  } catch {
    return undefined;
  }
}

/** One line of a chart. */
export interface Line {
  readonly name: string;
  readonly values: readonly (number | null)[];
}
export interface Lines {
  readonly times: readonly number[];
  readonly lines: readonly Line[];
}

/** The lines of one measure: the sum first, unless it is of one alone. Where points are far apart a gap stands between them. */
export function linesOf(answer: UsageAnswer, measure: Measure, part: Subject["part"]): Lines {
  const { times, gapSeconds, total, series, count } = answer;
  const sum = {
    name: part === "node" ? "all nodes" : part === "pod" ? `all pods (${count})` : "whole pod",
    values: total[measure],
  };
  const lines = [
    ...(count === 1 ? [] : [sum]),
    ...series.map((one) => ({ name: one.name, values: one[measure] })),
  ];
  const isGap = times.map((time, at) => at > 0 && time - (times[at - 1] ?? 0) > gapSeconds);
  if (!isGap.includes(true)) return { times, lines };
  const spread = <T>(values: readonly T[], between: (at: number) => T): T[] =>
    values.flatMap((value, at) => (isGap[at] ? [between(at), value] : [value]));
  return {
    times: spread(times, (at) => ((times[at] ?? 0) + (times[at - 1] ?? 0)) / 2),
    lines: lines.map(({ name, values }) => ({ name, values: spread<number | null>(values, () => null) })),
  };
}

/** How high a chart is: marks far above what is used would flatten it, and are told beside it. */
export function topOf({ lines }: Lines, marks: readonly Mark[]): number {
  const used = Math.max(0, ...lines.flatMap(({ values }) => values.map((one) => one ?? 0)));
  const near = marks.map(({ value }) => value).filter((value) => value <= Math.max(used, 1e-9) * marksWithin);
  return Math.max(used, ...near) * 1.08 || 1;
}
const marksWithin = 4;

/** `web 120m, proxy 3m`: what the lines say at one point. */
export function pointText({ lines }: Lines, at: number, measure: Measure): string {
  return lines
    .map(({ name, values }) => {
      const value = values[at] ?? null;
      return `${name} ${value === null ? "not measured" : amountText(measure, value)}`;
    })
    .join(", ");
}

/** Positions of the points that a table shows: few enough to be read, the last one among them. */
export function tablePoints({ times }: Lines, rowsMost: number): readonly number[] {
  const every = Math.max(1, Math.ceil(times.length / rowsMost));
  const points: number[] = [];
  for (let at = times.length - 1; at >= 0; at -= every) points.push(at);
  return points;
}

/** The points of a small drawing `width` by `height`, as pieces of an SVG path: a new piece after each gap. */
export function sparkPath(
  { times, lines }: Lines,
  { width, height, top }: { width: number; height: number; top: number },
): string {
  const values = lines[0]?.values ?? [];
  const [first = 0, last = 1] = [times[0], times.at(-1)];
  const span = Math.max(1, last - first);
  let isPen = false;
  return times
    .map((time, at) => {
      const value = values[at] ?? null;
      if (value === null) {
        isPen = false;
        return "";
      }
      const x = ((time - first) / span) * width;
      const y = height - Math.min(1, value / top) * (height - 2) - 1;
      const step = `${isPen ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
      isPen = true;
      return step;
    })
    .join("");
}
