import { addAmounts, amountText, readAmount, wholeAmount } from "../../../base/quantity-text.ts";
import { pathSegment } from "../../../client/rules/names.ts";
import type { Column, Kind } from "../registry/kind.ts";
import { kindOf } from "./typed-kind.ts";

export interface ResourceUsage {
  readonly cpu: string;
  readonly memory: string;
}

interface Measured {
  readonly metadata: { readonly name: string };
  readonly timestamp: string;
  readonly window: string;
}
export interface NodeMetrics extends Measured {
  readonly usage: ResourceUsage;
}
export interface PodMetrics extends Measured {
  readonly containers: readonly { readonly name: string; readonly usage: ResourceUsage }[];
}

const shared = {
  group: "metrics.k8s.io",
  version: "v1beta1",
  // As metrics-server has it.
  singular: "",
  shortNames: [],
  categories: [],
  verbs: ["get", "list"],
  isReported: true,
  subresources: {},
  nameRule: pathSegment,
  hasSpec: false,
  applyDefaults: () => undefined,
  validate: () => [],
  columnsIncludeName: true,
  columns: [
    textColumn("Name", "name", "Name of the resource"),
    textColumn("cpu", "quantity"),
    textColumn("memory", "quantity"),
    textColumn("Window", "duration"),
  ],
} as const;

/** What nodes and pods use, as their agents measure it: made up for each answer (`handlers/resource-metrics.ts`). */
export const nodeMetrics = kindOf<NodeMetrics>({
  ...shared,
  kind: "NodeMetrics",
  plural: "nodes",
  namespaced: false,
  storagePrefix: "metrics.k8s.io/nodes",
  cells: ({ metadata, usage, window }) => [metadata.name, usage.cpu, usage.memory, window],
});

export const podMetrics = kindOf<PodMetrics>({
  ...shared,
  kind: "PodMetrics",
  plural: "pods",
  namespaced: true,
  storagePrefix: "metrics.k8s.io/pods",
  cells: ({ metadata, containers, window }) => [
    metadata.name,
    sum(containers.map(({ usage }) => usage.cpu)),
    sum(containers.map(({ usage }) => usage.memory)),
    window,
  ],
});

/** What a server serves that is asked to: with a metrics-server of one's own it need not. */
export const resourceMetricsKinds: readonly Kind[] = [nodeMetrics, podMetrics];

function textColumn(name: string, format: string, description = ""): Column {
  return { name, type: "string", format, description, priority: 0 };
}

/** Of what was measured: canonical quantities. */
function sum(quantities: readonly string[]): string {
  return amountText(quantities.map(readAmount).reduce(addAmounts, wholeAmount(0)));
}
