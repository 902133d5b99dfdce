import type { LogRecord, Stream } from "../record.ts";

/** Bodies of `_bulk`: each record is created under an id of its own, so that one that comes twice is there once. Names are those of
 *  the Elastic Common Schema and of Filebeat. */
export interface ElasticsearchShape {
  /** `%Y`, `%m`, `%d` of the record's day in UTC, `%{namespace}` and `%{source}`. */
  readonly index: string;
  readonly cluster: string | undefined;
}

const datasets = {
  containers: "kubernetes.container_logs",
  components: "kubernetes.component_logs",
  events: "kubernetes.event",
  audit: "kubernetes.audit_logs",
} as const;

export function elasticsearchBody(records: readonly LogRecord[], shape: ElasticsearchShape): Buffer {
  const lines: string[] = [];
  const ends = new Map<Stream, string>();
  for (const record of records) {
    const { stream, time, text, output, severity, attributes, namespace } = record;
    let end = ends.get(stream);
    if (end === undefined) {
      end = JSON.stringify(streamFields(stream, shape.cluster)).slice(1);
      ends.set(stream, end);
    }
    const index = JSON.stringify(indexOf(record, shape.index));
    lines.push(
      `{"create":{"_index":${index},"_id":${JSON.stringify(record.id)}}}\n`,
      `{"@timestamp":${JSON.stringify(time)},"message":${JSON.stringify(text)},`,
      output === undefined ? "" : `"stream":"${output}",`,
      severity === undefined ? "" : `"log.level":"${severity}",`,
      namespace === undefined ? "" : `"kubernetes.namespace":${JSON.stringify(namespace)},`,
      attributes === undefined ? "" : `"attributes":${JSON.stringify(attributes)},`,
      end,
      "\n",
    );
  }
  return Buffer.from(lines.join(""));
}

/** Labels' dots would make objects of them, and texts of the same name would clash with these. */
const dotless = (labels: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(labels).map(([key, value]) => [key.replaceAll(".", "_"), value]));

function streamFields(stream: Stream, cluster: string | undefined): object {
  const { source, node, namespace, pod, container, component, path } = stream;
  return {
    event: { module: "kubernetes", dataset: datasets[source] },
    ...(component !== undefined && { service: { name: component } }),
    ...(path !== undefined && { log: { file: { path } } }),
    ...(cluster !== undefined && { orchestrator: { cluster: { name: cluster }, type: "kubernetes" } }),
    kubernetes: {
      ...(namespace !== undefined && { namespace }),
      ...(node !== undefined && { node: { name: node } }),
      ...(pod !== undefined && { pod: { name: pod.name, uid: pod.uid }, labels: dotless(pod.labels) }),
      ...(container !== undefined && { container: { name: container } }),
    },
  };
}

function indexOf(record: LogRecord, pattern: string): string {
  const utc = /Z$/.test(record.time) ? record.time : new Date(record.time).toISOString();
  const parts: Readonly<Record<string, string>> = {
    "%Y": utc.slice(0, 4),
    "%m": utc.slice(5, 7),
    "%d": utc.slice(8, 10),
    "%{namespace}": record.namespace ?? record.stream.namespace ?? "none",
    "%{source}": record.stream.source,
  };
  return pattern.replace(/%(?:[Ymd]|\{namespace\}|\{source\})/g, (token) => parts[token] ?? token);
}
