import { type LogRecord, nanosOf, type Stream } from "../record.ts";

/** What of a record is a label of its stream: few, with few values each, since every combination is a stream of Loki's. */
export const lokiLabels = [
  "source",
  "cluster",
  "node",
  "namespace",
  "container",
  "component",
  "output",
] as const;
export type LokiLabel = (typeof lokiLabels)[number];

export interface LokiShape {
  readonly labels: readonly LokiLabel[];
  /** Further ones, by the label of pods that their values are of. */
  readonly podLabels: Readonly<Record<string, string>>;
  readonly cluster: string | undefined;
  /** Whether what is no label goes beside each line; Loki before 3 does not take it. */
  readonly structuredMetadata: boolean;
}

/** The body of a push, as JSON: streams with their lines, in order. */
export function lokiBody(records: readonly LogRecord[], shape: LokiShape): Buffer {
  const byLabels = new Map<string, string[]>();
  const cache = new Map<Stream, { readonly labels: Record<string, string>; readonly metadata: string }>();
  for (const record of records) {
    const { stream, text, time } = record;
    let about = cache.get(stream);
    if (about === undefined) {
      about = {
        labels: streamLabels(stream, shape),
        metadata: JSON.stringify(streamMetadata(stream, shape)),
      };
      cache.set(stream, about);
    }
    const labels = JSON.stringify(ofRecord(about.labels, record, shape));
    const values = byLabels.get(labels) ?? [];
    if (values.length === 0) byLabels.set(labels, values);
    const metadata = shape.structuredMetadata
      ? `,${joined(about.metadata, recordMetadata(record, shape))}`
      : "";
    values.push(`["${nanosOf(time) ?? "0"}",${JSON.stringify(text)}${metadata}]`);
  }
  const streams = [...byLabels].map(
    ([labels, values]) => `{"stream":${labels},"values":[${values.join(",")}]}`,
  );
  return Buffer.from(`{"streams":[${streams.join(",")}]}`);
}

function streamLabels(stream: Stream, { labels, podLabels, cluster }: LokiShape): Record<string, string> {
  const { source, node, namespace, container, component } = stream;
  const values: Readonly<Partial<Record<LokiLabel, string | undefined>>> = {
    ...{ source, cluster, node, namespace, container, component },
  };
  const own = labels.flatMap((name) => (values[name] === undefined ? [] : [[name, values[name]]]));
  const ofPod = Object.entries(podLabels).flatMap(([name, key]) => {
    const value = stream.pod !== undefined && Object.hasOwn(stream.pod.labels, key) && stream.pod.labels[key];
    return value ? [[name, value]] : [];
  });
  return Object.fromEntries([...own, ...ofPod]);
}

/** What differs between records of one stream of ours. */
function ofRecord(labels: Record<string, string>, record: LogRecord, shape: LokiShape): object {
  const { namespace, output } = record;
  const hasOutput = output !== undefined && shape.labels.includes("output");
  const hasNamespace = namespace !== undefined && shape.labels.includes("namespace");
  return { ...labels, ...(hasNamespace && { namespace }), ...(hasOutput && { output }) };
}

function streamMetadata({ pod, node, restarts }: Stream, { labels }: LokiShape): object {
  return {
    ...(pod !== undefined && { pod: pod.name, pod_uid: pod.uid }),
    ...(node !== undefined && !labels.includes("node") && { node }),
    ...(restarts !== undefined && { restarts: String(restarts) }),
  };
}

function recordMetadata(record: LogRecord, { labels }: LokiShape): string {
  const { output, severity, namespace, attributes } = record;
  const said = {
    ...(output !== undefined && !labels.includes("output") && { output }),
    ...(severity !== undefined && { level: severity }),
    ...(namespace !== undefined && !labels.includes("namespace") && { namespace }),
    // Names of structured metadata have no dots.
    ...(attributes !== undefined &&
      Object.fromEntries(
        Object.entries(attributes).map(([key, value]) => [key.replaceAll(/[.-]/g, "_"), value]),
      )),
  };
  return JSON.stringify(said);
}

/** Two objects' text as that of one. */
function joined(one: string, other: string): string {
  if (one === "{}") return other;
  return other === "{}" ? one : `${one.slice(0, -1)},${other.slice(1)}`;
}
