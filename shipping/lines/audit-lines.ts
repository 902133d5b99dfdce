import { type LineFormat, lineId, linesOf, wholeLines } from "../format.ts";
import { type LogRecord, nanosOf } from "../record.ts";

/** Events of an API server's audit log, each a line of JSON. What is no such line goes as it is. */
export const auditLines: LineFormat = {
  name: "audit",
  wholeBytes: wholeLines,
  records(frame) {
    const records: LogRecord[] = [];
    for (const [bytes, at] of linesOf(frame)) {
      const text = bytes.toString("utf8");
      const about = eventOf(text);
      const time = about?.time ?? new Date(frame.atMs).toISOString();
      const id = about?.id ?? lineId(frame, at);
      records.push({ stream: frame.stream, text, ...about, id, time });
    }
    return records;
  },
};

type About = Pick<LogRecord, "attributes"> & {
  readonly id?: string;
  readonly time?: string;
  readonly namespace?: string;
};

function eventOf(line: string): About | undefined {
  let event: Record<string, unknown>;
  try {
    event = recordOf(JSON.parse(line));
  } catch {
    return undefined; // torn, or somebody else's
  }
  const text = (value: unknown) => (typeof value === "string" ? value : undefined);
  const { auditID, stage, stageTimestamp, requestReceivedTimestamp } = event;
  const object = recordOf(event.objectRef);
  const named = {
    "k8s.audit.id": text(auditID),
    "k8s.audit.stage": text(stage),
    "k8s.audit.verb": text(event.verb),
    "k8s.audit.user": text(recordOf(event.user).username),
    "k8s.audit.uri": text(event.requestURI),
    "k8s.audit.resource": text(object.resource),
    "k8s.audit.name": text(object.name),
    "k8s.audit.code": numberText(recordOf(event.responseStatus).code),
  };
  const attributes = Object.fromEntries(
    Object.entries(named).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
  const time = [stageTimestamp, requestReceivedTimestamp].map(text).find((one) => one && nanosOf(one));
  const namespace = text(object.namespace);
  const isNamed = typeof auditID === "string" && typeof stage === "string" && auditID.length <= 128;
  return {
    attributes,
    ...(isNamed && { id: `${auditID}.${stage}` }),
    ...(time !== undefined && { time }),
    ...(namespace !== undefined && { namespace }),
  };
}

const numberText = (value: unknown) => (typeof value === "number" ? String(value) : undefined);

const recordOf = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
