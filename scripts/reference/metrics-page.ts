import type { DeclaredMetric } from "./declared-metrics.ts";
import { code, pageOf, plain, tableOf } from "./markdown.ts";
import type { MetricsByPart, ShownMetric } from "./running-metrics.ts";

/** A row of the page. */
export interface MetricRow {
  readonly part: string;
  readonly name: string;
  readonly type: string;
  readonly labels: readonly string[];
  readonly help: string;
}

export const everyProcess = "Every process";
const further = "Only with some flags";

const snapshotLabels = { send: ["To"], receive: ["From"] } as const;
const request = ["group", "version", "verb", "resource", "subresource", "scope"];
const policyCheck = ["policy", "policy_binding", "error_type"];
/** Of metrics whose names or labels the sources put together, and which a quiet cluster has no sample of. */
const putTogether: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(
    Object.entries(snapshotLabels).flatMap(([what, labels]) =>
      ["success", "failures", "inflights_total", "total_duration_seconds"].map((name) => [
        `etcd_network_snapshot_${what}_${name}`,
        labels,
      ]),
    ),
  ),
  ...Object.fromEntries(
    ["reads", "reads_failed", "writes", "writes_failed"].map((name) => [
      `etcd_debugging_store_${name}_total`,
      ["action"],
    ]),
  ),
  ...Object.fromEntries(
    ["total", "duration_seconds"].flatMap((name) => [
      [`apiserver_validating_admission_policy_check_${name}`, [...policyCheck, "enforcement_action"]],
      [`apiserver_mutating_admission_policy_check_${name}`, policyCheck],
    ]),
  ),
  apiserver_terminated_watchers_total: ["group", "resource"],
  apiserver_request_aborts_total: request,
  apiserver_request_terminations_total: [...request, "component", "code"],
  apiserver_admission_match_condition_exclusions_total: ["name", "kind", "type", "operation"],
};

/** The rows of all that is shown, and of what the sources declare beside it. Throws where nothing tells a metric's labels. */
export function metricRows(shown: MetricsByPart, declared: readonly DeclaredMetric[]): readonly MetricRow[] {
  const labelsByName = new Map(
    declared.flatMap(({ name, labels }) => (name && labels ? [[name, labels]] : [])),
  );
  const labelsByHelp = new Map(
    declared.flatMap(({ help, labels }) => (help && labels ? [[help, labels]] : [])),
  );
  const labelsOf = ({ name, help, labels }: ShownMetric): readonly string[] => {
    const known = labelsByName.get(name) ?? putTogether[name] ?? labelsByHelp.get(help);
    if (known === undefined && labels === undefined) throw new Error(`${name}: nothing tells its labels`);
    return [...new Set([...(known ?? []), ...(labels ?? [])])].sort();
  };
  const parts = [...shown];
  const isShared = ({ name }: ShownMetric) => /^(process|nodejs)_/.test(name);
  const rows = parts.flatMap(([part, metrics]) =>
    metrics.filter((one) => !isShared(one)).map((one) => ({ ...one, part, labels: labelsOf(one) })),
  );
  const shared = new Map(
    parts.flatMap(([, metrics]) => metrics.filter(isShared).map((one) => [one.name, one])),
  );
  const there = new Set(parts.flatMap(([, metrics]) => metrics.map(({ name }) => name)));
  const rest = declared.flatMap(({ name, type, help, labels }) =>
    name === undefined || help === undefined || there.has(name) || !name.includes("_")
      ? []
      : [{ part: further, name, type, help, labels: [...(labels ?? [])].sort() }],
  );
  const first = [...shared.values()].map((one) => ({ ...one, part: everyProcess, labels: labelsOf(one) }));
  return [...first, ...rows, ...rest].map(({ part, name, type, labels, help }) => ({
    part,
    name,
    type,
    labels,
    help,
  }));
}

/** docs/reference/metrics.md. */
export function metricsPage(rows: readonly MetricRow[]): string {
  const parts = [...new Set(rows.map(({ part }) => part))];
  return pageOf(
    "Metrics",
    `What \`/metrics\` shows, of each component, as a running cluster registers it. Names, types and labels of etcd's and Kubernetes' metrics are theirs, so that
dashboards and alerts written for them hold; where such a metric means nothing here it is there and stays at zero, and its help says why.`,
    `Where: the store at its client addresses and at \`--listen-metrics-urls\`, the API server, scheduler and controller manager at their ports, an agent at
its port (\`kubectl get --raw /api/v1/nodes/NAME/proxy/metrics\`). The API server and the agents ask who asks; the port of \`pintle scheduler\` and
\`pintle controller-manager\` is plain HTTP.`,
    ...parts.flatMap((part) => [
      `## ${part}`,
      tableOf(
        ["metric", "type", "labels", "what it tells"],
        rows
          .filter((row) => row.part === part)
          .sort((a, b) => (a.name < b.name ? -1 : 1))
          .map(({ name, type, labels, help }) => [
            code(name),
            type,
            labels.map(code).join(", "),
            plain(help),
          ]),
      ),
    ]),
  );
}
