import type { Event } from "../types.ts";
import { type CauseCode, causes, type Severity } from "./causes.ts";

/** An object by its name, as it stands in findings. */
export interface ObjectName {
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
}

/** One fact that a cause is known by. */
export interface Evidence {
  readonly object?: ObjectName;
  /** Where in the object, such as `status.conditions[Ready]`; `event FailedMount` of what an event says. */
  readonly field?: string;
  /** What stands there, or what was worked out. */
  readonly says: string;
}

/** One reason why something does not get on. */
export interface Finding {
  readonly code: CauseCode;
  readonly severity: Severity;
  /** What the cause is in: where something has to change. */
  readonly object: ObjectName;
  /** In one sentence, what is the matter. */
  readonly cause: string;
  /** What the cause leads to, the last first: of a Service, that none of its pods is ready. */
  readonly through: readonly string[];
  readonly evidence: readonly Evidence[];
  /** What would have to change, a line each. */
  readonly change: readonly string[];
  /** What to type next. */
  readonly next: readonly string[];
}

/** What has a name in the API. */
export interface Named {
  readonly kind?: string | undefined;
  readonly metadata: { readonly name?: string | undefined; readonly namespace?: string | undefined };
}

export const nameOf = ({ kind = "", metadata: { name = "", namespace } }: Named): ObjectName => ({
  kind,
  name,
  ...(namespace !== undefined && { namespace }),
});

type Rest = Partial<Pick<Finding, "evidence" | "change" | "next" | "severity">>;

export const finding = (code: CauseCode, object: Named, cause: string, rest: Rest = {}): Finding => ({
  code,
  severity: causes[code].severity,
  object: nameOf(object),
  cause: oneLine(cause),
  through: [],
  evidence: [],
  change: [],
  next: [],
  ...rest,
});

/** The same cause, as it shows in something that depends on it. */
export const leadsTo = (what: string, found: Finding, evidence: readonly Evidence[] = []): Finding => ({
  ...found,
  through: [what, ...found.through],
  evidence: [...evidence, ...found.evidence],
});

/** What stands in a field of an object. */
export const stands = (object: Named, field: string, says: unknown): Evidence => ({
  object: nameOf(object),
  field,
  says: typeof says === "string" ? oneLine(says) : JSON.stringify(says),
});

export const told = (event: Event): Evidence => ({
  object: {
    kind: event.involvedObject.kind ?? "",
    name: event.involvedObject.name ?? "",
    ...(event.involvedObject.namespace !== undefined && { namespace: event.involvedObject.namespace }),
  },
  field: `event ${event.reason ?? ""}`,
  says: `${oneLine(event.message ?? "")}${(event.count ?? 1) > 1 ? ` (${event.count} times)` : ""}`,
});

export const worked = (says: string): Evidence => ({ says: oneLine(says) });

const textMax = 600;

/** Text from outside on one line: without what moves a terminal's cursor, and bounded. */
export function oneLine(text: string): string {
  const plain = text
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]+/g, " ")
    .trim();
  return plain.length > textMax ? `${plain.slice(0, textMax)}…` : plain;
}

/** `pod/web-1`, as kubectl takes it. */
export const wordOf = ({ kind, name }: ObjectName): string => `${kind.toLowerCase()}/${name}`;

/** `pod/web-1 -n shop` */
export const wordsOf = (object: Named): string => {
  const { kind, name, namespace } = nameOf(object);
  return `${kind.toLowerCase()}/${name}${namespace === undefined ? "" : ` -n ${namespace}`}`;
};
