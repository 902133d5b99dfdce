/** Pure checks over what each client of the API wrote down itself. Each has a test that breaks the property and sees the check
 *  fail. */

/** A write that was acknowledged. */
export interface AcknowledgedWrite {
  readonly name: string;
  readonly op: "create" | "update" | "delete";
  /** At which it stands; a deletion's answer does not say. */
  readonly revision: number | undefined;
  readonly value: string;
}

/** What one client did to one object, in order. */
export interface ObjectRecord {
  readonly name: string;
  readonly acknowledged: readonly AcknowledgedWrite[];
  /** The write after these, of which nobody knows whether it was done. The client leaves the object alone from there. */
  readonly uncertain: AcknowledgedWrite["op"] | undefined;
}

export interface SeenEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly name: string;
  readonly revision: number;
  readonly value: string;
}

export type Present = ReadonlyMap<string, { readonly revision: number; readonly value: string }>;

/** Acknowledged writes without their effect in the end. */
export function lostWrites(records: readonly ObjectRecord[], present: Present): string[] {
  return records.flatMap(({ name, acknowledged, uncertain }) => {
    const last = acknowledged.at(-1);
    if (last === undefined) return [];
    const found = present.get(name);
    if (last.op === "delete")
      return found === undefined || uncertain === "create" ? [] : [`${name} is there, though deleted`];
    if (found === undefined) return uncertain === "delete" ? [] : [`${name} is gone`];
    if (found.revision === last.revision)
      return found.value === last.value ? [] : [`${name} holds ${found.value}, not ${last.value}`];
    if (uncertain !== undefined && found.revision > (last.revision ?? 0)) return [];
    return [`${name} stands at ${found.revision}, was acknowledged at ${last.revision}`];
  });
}

/** What a watcher was told from one whole state on, until it had to take the next one. */
export interface WatchLife {
  /** The revision of that state. */
  readonly startRevision: number;
  readonly events: readonly SeenEvent[];
}

/** Events that a watcher missed, or was told twice or out of order. All objects are of one kind, whose revisions rise. What
 *  happened between two lives is nobody's to tell; within one, up to its last event, everything is. */
export function watchProblems(lives: readonly WatchLife[], records: readonly ObjectRecord[]): string[] {
  return lives.flatMap((life, at) => {
    const isLast = at === lives.length - 1;
    const lastRevision = isLast ? Number.POSITIVE_INFINITY : (life.events.at(-1)?.revision ?? 0);
    return [...orderProblems(life), ...gaps(life, records, { lastRevision, isWhole: lives.length === 1 })];
  });
}

function orderProblems({ startRevision, events }: WatchLife): string[] {
  const problems: string[] = [];
  let last = startRevision;
  for (const { type, name, revision } of events) {
    if (revision <= last) problems.push(`${type} ${name} at ${revision} after ${last}`);
    last = Math.max(last, revision);
  }
  return problems;
}

function gaps(
  { startRevision, events }: WatchLife,
  records: readonly ObjectRecord[],
  { lastRevision, isWhole }: { readonly lastRevision: number; readonly isWhole: boolean },
): string[] {
  const byRevision = new Map(events.map((event) => [event.revision, event]));
  const deleted = new Set(events.filter(({ type }) => type === "DELETED").map(({ name }) => name));
  return records
    .flatMap(({ acknowledged }) => acknowledged)
    .flatMap(({ name, op, revision, value }) => {
      if (revision === undefined) return !isWhole || deleted.has(name) ? [] : [`${op} ${name} was not told`];
      if (revision <= startRevision || revision > lastRevision) return [];
      const event = byRevision.get(revision);
      if (event?.name !== name) return [`${op} ${name} at ${revision} was not told`];
      if (event.value !== value) return [`${name} at ${revision} was told with ${event.value}`];
      if ((event.type === "ADDED") !== (op === "create"))
        return [`${op} ${name} at ${revision} was told as ${event.type}`];
      return [];
    });
}
