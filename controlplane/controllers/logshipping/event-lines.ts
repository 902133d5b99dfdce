import type { Event } from "../../../client/types.ts";
import { type LineFormat, linesOf, wholeLines } from "../../../shipping/format.ts";
import { type LogRecord, nanosOf } from "../../../shipping/record.ts";

/** Events, each a line of JSON. Attributes have the names that OpenTelemetry's receiver of Events gives them. */
export const eventLines: LineFormat = {
  name: "event",
  wholeBytes: wholeLines,
  records: (frame) =>
    [...linesOf(frame)].map(([bytes]) => ({
      stream: frame.stream,
      ...recordOf(JSON.parse(bytes.toString("utf8")) as Event, frame.atMs),
    })),
};

function recordOf(event: Event, atMs: number): Omit<LogRecord, "stream"> {
  const { metadata, involvedObject, message, type, namespace } = {
    namespace: event.involvedObject?.namespace,
    ...event,
  };
  const times = [
    event.series?.lastObservedTime,
    event.lastTimestamp,
    event.eventTime,
    metadata.creationTimestamp,
  ];
  const time = times.find((one) => one && nanosOf(one)) ?? new Date(atMs).toISOString();
  const said = {
    "k8s.event.reason": event.reason,
    "k8s.event.action": event.action,
    "k8s.event.name": metadata.name,
    "k8s.event.uid": metadata.uid,
    "k8s.event.count": String(event.series?.count ?? event.count ?? 1),
    "k8s.event.component": event.source?.component || event.reportingComponent,
    "k8s.object.kind": involvedObject?.kind,
    "k8s.object.api_version": involvedObject?.apiVersion,
    "k8s.object.name": involvedObject?.name,
    "k8s.object.uid": involvedObject?.uid,
    "k8s.object.fieldpath": involvedObject?.fieldPath,
    "k8s.node.name": event.source?.host,
  };
  const attributes = Object.fromEntries(
    Object.entries(said).flatMap(([name, value]) => (value ? [[name, value] as const] : [])),
  );
  const place = namespace || metadata.namespace;
  return {
    id: `${metadata.uid}.${metadata.resourceVersion}`,
    time,
    text: message ?? "",
    severity: type === "Warning" ? "warn" : "info",
    ...(place !== undefined && { namespace: place }),
    attributes,
  };
}
