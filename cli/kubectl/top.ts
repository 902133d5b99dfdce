import { UsageError } from "../../base/os/flags.ts";
import { parseMilliQuantity, parseQuantity } from "../../base/quantity.ts";
import { isNotFound } from "../../client/api-error.ts";
import { resourcePath } from "../../client/paths.ts";
import { resources } from "../../client/resources.ts";
import type { RestClient } from "../../client/rest.ts";
import type { Node } from "../../client/types.ts";
import { command, OperatorError } from "../command.ts";
import { clusterFlags, namespaceOf } from "./flags.ts";
import { aligned } from "./output.ts";

const kinds = ["nodes", "pods"] as const;
const sortings = ["cpu", "memory"] as const;

const flags = {
  ...clusterFlags,
  "all-namespaces": { kind: "boolean", short: "A", help: "pods of every namespace" },
  selector: {
    kind: "string",
    short: "l",
    value: "LABELS",
    help: "only those with these labels, e.g. app=web",
  },
  containers: { kind: "boolean", help: "each container of the pods" },
  "sort-by": {
    kind: "string",
    choices: sortings,
    value: "FIELD",
    help: "cpu or memory, most first; by name otherwise",
  },
  "no-headers": { kind: "boolean", help: "leave the heading out" },
} as const;

export const topCommand = command({
  name: "top",
  summary: "show what nodes or pods use of CPU and memory",
  usage: "nodes|pods [NAME]",
  words: [kinds, "none"],
  flags,
  examples: ["pintle top nodes", "pintle top pods -A --sort-by memory", "pintle top pods web-1 --containers"],
  async run({ flags: given, words }, io) {
    const [said = "", name, ...more] = words;
    const kind = kinds.find(
      (one) => said !== "" && (one === said || one === `${said}s` || shortNames[one] === said),
    );
    if (kind === undefined) throw new UsageError("of what? One of nodes and pods");
    if (more.length > 0) throw new UsageError(`one name at a time; "${more[0]}" is one too many`);
    const client = io.client(given);
    const everywhere = kind === "nodes" || (given["all-namespaces"] ?? false);
    const namespace = everywhere ? undefined : namespaceOf(given, client);
    const used = await measured(client, kind, { namespace, name, labelSelector: given.selector });
    if (used.length === 0) {
      io.stderr(`No resources found${namespace === undefined ? "" : ` in ${namespace} namespace`}.\n`);
      return 0;
    }
    const table =
      kind === "nodes"
        ? nodeTable(used, (await client.list(resources.nodes)).items, given["sort-by"])
        : podTable(used, {
            sortBy: given["sort-by"],
            containers: given.containers ?? false,
            namespaces: everywhere,
          });
    io.stdout(aligned(given["no-headers"] ? table.slice(1) : table));
    return 0;
  },
});

const shortNames = { nodes: "no", pods: "po" } as const;

interface Usage {
  readonly cpu: string;
  readonly memory: string;
}
/** NodeMetrics or PodMetrics of metrics.k8s.io. */
export interface Measured {
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly usage?: Usage;
  readonly containers?: readonly { readonly name: string; readonly usage: Usage }[];
}

interface Asked {
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly labelSelector: string | undefined;
}

export async function measured(
  client: RestClient,
  kind: (typeof kinds)[number],
  { namespace, name, labelSelector }: Asked,
): Promise<readonly Measured[]> {
  const resource = {
    group: "metrics.k8s.io",
    version: "v1beta1",
    kind: "",
    plural: kind,
    namespaced: kind === "pods",
  };
  const path = resourcePath(resource, { namespace, ...(name !== undefined && { name }) });
  try {
    const answer = JSON.parse(await client.raw("GET", path, undefined, { query: { labelSelector } }));
    return name === undefined ? answer.items : [answer];
  } catch (error) {
    if (isNotFound(error) && name === undefined)
      throw new OperatorError(
        "the cluster serves no metrics.k8s.io: start API servers with --resource-metrics, or install metrics-server",
      );
    throw error;
  }
}

interface Amounts {
  readonly cpuMillis: number;
  readonly memoryBytes: number;
}
const amounts = (of: Partial<Usage> | undefined): Amounts => ({
  cpuMillis: parseMilliQuantity(of?.cpu ?? "0"),
  memoryBytes: parseQuantity(of?.memory ?? "0"),
});
const sum = (all: readonly Amounts[]): Amounts => ({
  cpuMillis: all.reduce((total, one) => total + one.cpuMillis, 0),
  memoryBytes: all.reduce((total, one) => total + one.memoryBytes, 0),
});
/** Of a node, or of a pod's containers together. */
export const amountsOf = ({ usage, containers = [] }: Measured): Amounts =>
  usage === undefined ? sum(containers.map((one) => amounts(one.usage))) : amounts(usage);
const cells = ({ cpuMillis, memoryBytes }: Amounts) => [
  `${Math.ceil(cpuMillis)}m`,
  `${Math.floor(memoryBytes / 2 ** 20)}Mi`,
];

type SortBy = (typeof sortings)[number] | undefined;
type Sorted = Amounts & { readonly names: readonly string[] };

const ordered = <T extends Sorted>(rows: readonly T[], by: SortBy): readonly T[] => {
  const field = by === "cpu" ? "cpuMillis" : "memoryBytes";
  const byName = (a: T, b: T) => (a.names.join("/") < b.names.join("/") ? -1 : 1);
  return rows.toSorted((a, b) => (by === undefined ? 0 : b[field] - a[field]) || byName(a, b));
};

/** What nodes use, and the share of what they have for pods. Pure. */
export function nodeTable(
  used: readonly Measured[],
  nodes: readonly Node[],
  sortBy: SortBy,
): readonly (readonly string[])[] {
  const capacity = new Map(
    nodes.map(({ metadata, status }) => [metadata.name, amounts(status?.allocatable)]),
  );
  const share = (part: number, whole: number | undefined) =>
    whole === undefined || whole === 0 ? "<unknown>" : `${Math.floor((part / whole) * 100)}%`;
  const rows = used.map(({ metadata, usage }) => ({ names: [metadata.name], ...amounts(usage) }));
  return [
    ["NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)"],
    ...ordered(rows, sortBy).map((row) => {
      const [name = ""] = row.names;
      const [cpu = "", memory = ""] = cells(row);
      const all = capacity.get(name);
      return [
        name,
        cpu,
        share(row.cpuMillis, all?.cpuMillis),
        memory,
        share(row.memoryBytes, all?.memoryBytes),
      ];
    }),
  ];
}

/** What pods use, or each of their containers. Pure. */
export function podTable(
  used: readonly Measured[],
  shown: { readonly sortBy: SortBy; readonly containers: boolean; readonly namespaces: boolean },
): readonly (readonly string[])[] {
  const rows = used.flatMap(({ metadata, containers = [] }) => {
    const names = [...(shown.namespaces ? [metadata.namespace ?? ""] : []), metadata.name];
    return shown.containers
      ? containers.map(({ name, usage }) => ({ names: [...names, name], ...amounts(usage) }))
      : [{ names, ...sum(containers.map(({ usage }) => amounts(usage))) }];
  });
  const heads = shown.containers ? ["POD", "NAME"] : ["NAME"];
  return [
    [...(shown.namespaces ? ["NAMESPACE"] : []), ...heads, "CPU(cores)", "MEMORY(bytes)"],
    ...ordered(rows, shown.sortBy).map((row) => [...row.names, ...cells(row)]),
  ];
}
