import type { ContainerSummary, PodSummary, StatsSummary } from "../../client/rules/stats-summary.ts";

export interface Row {
  readonly labels: string;
  readonly value: number | undefined;
  /** Absent: the value is of the moment at which it is read. */
  readonly time?: string | undefined;
}

/** What /metrics/resource answers: the kubelet's names, in Prometheus' text format. Pure. */
export function resourceMetricsText({ node, pods }: StatsSummary): string {
  const containers = pods.flatMap((pod) => pod.containers.map((container) => ({ pod, container })));
  const ofContainers = (row: (container: ContainerSummary) => Omit<Row, "labels">): readonly Row[] =>
    containers.map(({ pod: { podRef }, container }) => ({
      labels: labelsText({ container: container.name, namespace: podRef.namespace, pod: podRef.name }),
      ...row(container),
    }));
  const ofPods = (row: (pod: PodSummary) => Omit<Row, "labels">): readonly Row[] =>
    pods.map((pod) => ({
      labels: labelsText({ namespace: pod.podRef.namespace, pod: pod.podRef.name }),
      ...row(pod),
    }));
  const cpu = ({ cpu }: ContainerSummary | PodSummary) => ({
    value: seconds(cpu?.usageCoreNanoSeconds),
    time: cpu?.time,
  });
  const memory = ({ memory }: ContainerSummary | PodSummary) => ({
    value: memory?.workingSetBytes,
    time: memory?.time,
  });
  return [
    family("container_cpu_usage_seconds_total", "counter", {
      help: "Cumulative cpu time consumed by the container in core-seconds",
      rows: ofContainers(cpu),
    }),
    family("container_memory_working_set_bytes", "gauge", {
      help: "Current working set of the container in bytes",
      rows: ofContainers(memory),
    }),
    family("container_start_time_seconds", "gauge", {
      help: "Start time of the container since unix epoch in seconds",
      rows: ofContainers(({ startTime }) => ({ value: Date.parse(startTime) / 1000 })),
    }),
    family("node_cpu_usage_seconds_total", "counter", {
      help: "Cumulative cpu time consumed by the node in core-seconds",
      rows: [{ labels: "", value: seconds(node.cpu?.usageCoreNanoSeconds), time: node.cpu?.time }],
    }),
    family("node_memory_working_set_bytes", "gauge", {
      help: "Current working set of the node in bytes",
      rows: [{ labels: "", value: node.memory?.workingSetBytes, time: node.memory?.time }],
    }),
    family("pod_cpu_usage_seconds_total", "counter", {
      help: "Cumulative cpu time consumed by the pod in core-seconds",
      rows: ofPods(cpu),
    }),
    family("pod_memory_working_set_bytes", "gauge", {
      help: "Current working set of the pod in bytes",
      rows: ofPods(memory),
    }),
    family("resource_scrape_error", "gauge", {
      help: "1 if there was an error while getting container metrics, 0 otherwise",
      rows: [{ labels: "", value: 0 }],
    }),
  ].join("");
}

const seconds = (nanos: number | undefined) => (nanos === undefined ? undefined : nanos / 1e9);

export interface Family {
  readonly help: string;
  readonly rows: readonly Row[];
  readonly stability?: "STABLE" | "ALPHA";
}

export function family(
  name: string,
  type: "counter" | "gauge",
  { help, rows, stability = "STABLE" }: Family,
): string {
  const lines = rows.flatMap(({ labels, value, time }) =>
    value === undefined
      ? []
      : `${name}${labels} ${value}${time === undefined ? "" : ` ${Date.parse(time)}`}\n`,
  );
  return lines.length === 0
    ? ""
    : `# HELP ${name} [${stability}] ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}

/** Names of containers, pods, claims and namespaces need no escapes. */
export function labelsText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
  return `{${pairs.join(",")}}`;
}
