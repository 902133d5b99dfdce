import { WireReader, WireWriter } from "../../base/wire.ts";
import { type LogRecord, nanosOf, type Severity, type Stream } from "../record.ts";

/** `ExportLogsServiceRequest` and its answer (opentelemetry/proto/collector/logs/v1), written straight: a fixed64 for each record,
 *  attributes by OpenTelemetry's semantic conventions. */
export interface OtlpShape {
  readonly cluster: string | undefined;
}

const severities: Readonly<Record<Severity, readonly [number: number, text: string]>> = {
  debug: [5, "DEBUG"],
  info: [9, "INFO"],
  warn: [13, "WARN"],
  error: [17, "ERROR"],
  fatal: [21, "FATAL"],
};

export function otlpBody(records: readonly LogRecord[], shape: OtlpShape): Uint8Array {
  const byStream = new Map<Stream, LogRecord[]>();
  for (const record of records) {
    const list = byStream.get(record.stream);
    if (list === undefined) byStream.set(record.stream, [record]);
    else list.push(record);
  }
  const writer = new WireWriter(64 * 1024);
  for (const [stream, list] of byStream)
    field(writer, 1, () => {
      field(writer, 1, () => {
        for (const [key, value] of resourceAttributes(stream, shape)) attribute(writer, 1, key, value);
      });
      field(writer, 2, () => {
        field(writer, 1, () => text(writer, 1, "pintle.dev/logs"));
        for (const record of list) field(writer, 2, () => writeRecord(writer, record));
      });
    });
  return writer.finish();
}

function writeRecord(writer: WireWriter, record: LogRecord): void {
  const { time, severity, text: line, id, output, namespace, attributes = {} } = record;
  const nanos = BigInt(nanosOf(time) ?? 0);
  // time_unix_nano and, further down, observed_time_unix_nano: this is where it was first seen.
  fixed64(writer, 1, nanos);
  if (severity !== undefined) {
    const [number, word] = severities[severity];
    writer.varint((2 << 3) | 0).varint(number);
    text(writer, 3, word);
  }
  field(writer, 5, () => text(writer, 1, line));
  attribute(writer, 6, "log.record.uid", id);
  if (output !== undefined) attribute(writer, 6, "log.iostream", output);
  if (namespace !== undefined) attribute(writer, 6, "k8s.namespace.name", namespace);
  for (const [key, value] of Object.entries(attributes)) attribute(writer, 6, key, value);
  fixed64(writer, 11, nanos);
}

function* resourceAttributes(stream: Stream, { cluster }: OtlpShape): Generator<readonly [string, string]> {
  const { source, node, namespace, pod, container, restarts, component, path } = stream;
  const service = component ?? pod?.labels["app.kubernetes.io/name"] ?? pod?.labels.app ?? container;
  if (service !== undefined) yield ["service.name", service];
  if (cluster !== undefined) yield ["k8s.cluster.name", cluster];
  if (node !== undefined) yield ["k8s.node.name", node];
  if (namespace !== undefined) yield ["k8s.namespace.name", namespace];
  if (pod !== undefined) {
    yield ["k8s.pod.name", pod.name];
    yield ["k8s.pod.uid", pod.uid];
    for (const [key, value] of Object.entries(pod.labels)) yield [`k8s.pod.label.${key}`, value];
  }
  if (container !== undefined) yield ["k8s.container.name", container];
  if (restarts !== undefined) yield ["k8s.container.restart_count", String(restarts)];
  if (path !== undefined) yield ["log.file.path", path];
  yield ["pintle.source", source];
}

const field = (writer: WireWriter, number: number, fill: () => void): void => {
  writer.varint((number << 3) | 2).nested(fill);
};

const text = (writer: WireWriter, number: number, value: string): void => {
  writer.varint((number << 3) | 2).string(value);
};

/** A KeyValue whose AnyValue is a text. */
function attribute(writer: WireWriter, number: number, key: string, value: string): void {
  field(writer, number, () => {
    text(writer, 1, key);
    field(writer, 2, () => text(writer, 1, value));
  });
}

const fixed64 = (writer: WireWriter, number: number, value: bigint): void => {
  writer.varint((number << 3) | 1).fixed(8, (view) => view.setBigUint64(0, value, true));
};

/** How many records an answer says were not taken, and why. Throws WireError. */
export function partialSuccess(answer: Uint8Array): { readonly rejected: number; readonly why: string } {
  const found = { rejected: 0, why: "" };
  const reader = new WireReader(answer);
  while (reader.position < reader.end) {
    const tag = reader.varint();
    if (tag !== ((1 << 3) | 2)) {
      reader.skipField(tag);
      continue;
    }
    const end = reader.enter();
    while (reader.position < reader.end) {
      const inner = reader.varint();
      if (inner === 1 << 3) found.rejected = reader.varintClamped();
      else if (inner === ((2 << 3) | 2)) found.why = Buffer.from(reader.bytes()).toString("utf8");
      else reader.skipField(inner);
    }
    reader.leave(end);
  }
  return found;
}
