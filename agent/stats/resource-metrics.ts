import type { ContainerSummary, PodSummary, StatsSummary } from "../../client/rules/stats-summary.ts";

interface Row {
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
    family(
      "container_cpu_usage_seconds_total",
      "counter",
      "Cumulative cpu time consumed by the container in core-seconds",
      ofContainers(cpu),
    ),
    family(
      "container_memory_working_set_bytes",
      "gauge",
      "Current working set of the container in bytes",
      ofContainers(memory),
    ),
    family(
      "container_start_time_seconds",
      "gauge",
      "Start time of the container since unix epoch in seconds",
      ofContainers(({ startTime }) => ({ value: Date.parse(startTime) / 1000 })),
    ),
    family(
      "node_cpu_usage_seconds_total",
      "counter",
      "Cumulative cpu time consumed by the node in core-seconds",
      [{ labels: "", value: seconds(node.cpu?.usageCoreNanoSeconds), time: node.cpu?.time }],
    ),
    family("node_memory_working_set_bytes", "gauge", "Current working set of the node in bytes", [
      { labels: "", value: node.memory?.workingSetBytes, time: node.memory?.time },
    ]),
    family(
      "pod_cpu_usage_seconds_total",
      "counter",
      "Cumulative cpu time consumed by the pod in core-seconds",
      ofPods(cpu),
    ),
    family(
      "pod_memory_working_set_bytes",
      "gauge",
      "Current working set of the pod in bytes",
      ofPods(memory),
    ),
    family(
      "resource_scrape_error",
      "gauge",
      "1 if there was an error while getting container metrics, 0 otherwise",
      [{ labels: "", value: 0 }],
    ),
  ].join("");
}

const seconds = (nanos: number | undefined) => (nanos === undefined ? undefined : nanos / 1e9);

function family(name: string, type: "counter" | "gauge", help: string, rows: readonly Row[]): string {
  const lines = rows.flatMap(({ labels, value, time }) =>
    value === undefined
      ? []
      : `${name}${labels} ${value}${time === undefined ? "" : ` ${Date.parse(time)}`}\n`,
  );
  return lines.length === 0
    ? ""
    : `# HELP ${name} [STABLE] ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}

/** Names of containers, pods and namespaces need no escapes. */
function labelsText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
  return `{${pairs.join(",")}}`;
}
