import { parseMilliQuantity, parseQuantity } from "../../base/quantity.ts";
import type { Node, Pod } from "../../client/types.ts";
import { age } from "./age.ts";
import { field, type Line, pairs } from "./page.ts";
import { timeText } from "./time-text.ts";

/** The page of a node, with the pods on it, up to its events. */
export function nodePage(node: Node, pods: readonly Pod[], nowMs: number): readonly Line[] {
  const { metadata, spec = {}, status = {} } = node;
  const info = status.nodeInfo;
  const active = pods.filter((pod) => pod.status?.phase !== "Succeeded" && pod.status?.phase !== "Failed");
  return [
    field("Name", metadata.name),
    field("Labels", ...pairs(metadata.labels)),
    field("Annotations", ...pairs(metadata.annotations, ": ")),
    field("CreationTimestamp", timeText(metadata.creationTimestamp)),
    field(
      "Taints",
      ...(spec.taints ?? []).map(({ key, value, effect }) => `${key}${value ? `=${value}` : ""}:${effect}`),
    ),
    field("Unschedulable", String(spec.unschedulable ?? false)),
    {
      heading: "Conditions",
      table: [
        ["Type", "Status", "LastHeartbeatTime", "LastTransitionTime", "Reason", "Message"],
        ...(status.conditions ?? []).map((one) => [
          one.type,
          one.status,
          timeText(one.lastHeartbeatTime) ?? "",
          timeText(one.lastTransitionTime) ?? "",
          one.reason ?? "",
          one.message ?? "",
        ]),
      ],
    },
    {
      heading: "Addresses",
      lines: (status.addresses ?? []).map(({ type, address }) => field(type, address)),
    },
    {
      heading: "Capacity",
      lines: Object.entries(status.capacity ?? {}).map(([name, text]) => field(name, text)),
    },
    {
      heading: "Allocatable",
      lines: Object.entries(status.allocatable ?? {}).map(([name, text]) => field(name, text)),
    },
    {
      heading: "System Info",
      lines: info
        ? [
            field("Kernel Version", info.kernelVersion),
            field("OS Image", info.osImage),
            field("Architecture", info.architecture),
            field("Container Runtime Version", info.containerRuntimeVersion),
            field("Kubelet Version", info.kubeletVersion),
          ]
        : [],
    },
    ...(spec.podCIDR ? [field("PodCIDR", spec.podCIDR)] : []),
    { heading: `Non-terminated Pods (${active.length} in total)`, table: podTable(active, nowMs) },
    { heading: "Allocated resources", table: allocatedTable(node, active) },
  ];
}

function podTable(pods: readonly Pod[], nowMs: number): readonly (readonly string[])[] {
  const rows = pods.map((pod) => [
    pod.metadata.namespace ?? "",
    pod.metadata.name,
    cpuText(sum(pod, "cpu", "requests")),
    memoryText(sum(pod, "memory", "requests")),
    age(pod.metadata.creationTimestamp, nowMs),
  ]);
  return [["Namespace", "Name", "CPU Requests", "Memory Requests", "Age"], ...rows];
}

function allocatedTable(node: Node, pods: readonly Pod[]): readonly (readonly string[])[] {
  const total = (name: "cpu" | "memory", kind: "requests" | "limits") =>
    pods.reduce((all, pod) => all + sum(pod, name, kind), 0);
  const share = (amount: number, whole: number) =>
    whole === 0 ? "" : ` (${Math.floor((100 * amount) / whole)}%)`;
  const cores = parseMilliQuantity(node.status?.allocatable?.cpu ?? "0");
  const bytes = parseQuantity(node.status?.allocatable?.memory ?? "0");
  const cpu = (kind: "requests" | "limits") =>
    `${cpuText(total("cpu", kind))}${share(total("cpu", kind), cores)}`;
  const memory = (kind: "requests" | "limits") =>
    `${memoryText(total("memory", kind))}${share(total("memory", kind), bytes)}`;
  return [
    ["Resource", "Requests", "Limits"],
    ["cpu", cpu("requests"), cpu("limits")],
    ["memory", memory("requests"), memory("limits")],
  ];
}

/** Millicores or bytes over a pod's containers. */
function sum(pod: Pod, name: "cpu" | "memory", kind: "requests" | "limits"): number {
  const read = name === "cpu" ? parseMilliQuantity : parseQuantity;
  return pod.spec.containers.reduce((all, { resources }) => all + read(resources?.[kind]?.[name] ?? "0"), 0);
}

const cpuText = (millicores: number) => (millicores % 1000 === 0 ? `${millicores / 1000}` : `${millicores}m`);
const memoryText = (bytes: number) => (bytes === 0 ? "0" : `${Math.ceil(bytes / 2 ** 20)}Mi`);
