import type { Column, Row } from "../../../../client/rules/printed-table.ts";
import { toneOf } from "../../../../client/rules/tone.ts";
import type { ObjectName } from "../../../../client/why/finding.ts";
import type { KubeObject } from "../api/object-feed.ts";

/** What the home page counts. Pure. */

export interface Share {
  readonly good: number;
  readonly all: number;
}

interface Condition {
  readonly type: string;
  readonly status: string;
}

export function nodesReady(nodes: Iterable<KubeObject>): Share {
  const all = [...nodes];
  const isReady = ({ status }: KubeObject) =>
    ((status?.conditions ?? []) as readonly Condition[]).some(
      ({ type, status: is }) => type === "Ready" && is === "True",
    );
  return { good: all.filter(isReady).length, all: all.length };
}

/** Pods by the state that the server prints, worst first. */
export function podsByState(
  rows: Iterable<Row>,
  columns: readonly Column[],
): readonly (readonly [string, number])[] {
  const at = columns.findIndex(({ name }) => name === "Status");
  const counts = new Map<string, number>();
  for (const { cells } of rows) {
    const state = String(cells[at] ?? "Unknown");
    counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  const ranks = { bad: 0, warn: 1, busy: 2, good: 4, quiet: 5 };
  const rank = (state: string) => ranks[toneOf("Status", state) ?? "busy"];
  return [...counts].sort(([a, many], [b, more]) => rank(a) - rank(b) || more - many);
}

export interface FoldedEvent {
  readonly reason: string;
  readonly message: string;
  readonly count: number;
  readonly lastSeen: string;
  readonly objects: readonly ObjectName[];
}

interface EventOf extends KubeObject {
  readonly reason?: string;
  readonly message?: string;
  readonly count?: number;
  readonly lastTimestamp?: string | null;
  readonly eventTime?: string | null;
  readonly involvedObject?: Partial<ObjectName>;
}

/** Warnings by cause: what differs only in names and numbers is one. The newest cause first. */
export function foldEvents(events: Iterable<KubeObject>): readonly FoldedEvent[] {
  const folded = new Map<
    string,
    { reason: string; message: string; count: number; lastSeen: string; objects: Map<string, ObjectName> }
  >();
  for (const event of events as Iterable<EventOf>) {
    const { reason = "", message = "", count = 1, involvedObject = {} } = event;
    const lastSeen = event.lastTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp ?? "";
    const cause = `${reason} ${message.replace(/[\w.-]*\d[\w.:-]*/g, "#").replace(/"[^"]*"/g, '"…"')}`;
    const into = folded.get(cause) ?? { reason, message, count: 0, lastSeen: "", objects: new Map() };
    into.count += count;
    const { kind = "", name = "", namespace } = involvedObject;
    into.objects.set(`${kind} ${namespace} ${name}`, {
      kind,
      name,
      ...(namespace !== undefined && { namespace }),
    });
    if (lastSeen >= into.lastSeen) Object.assign(into, { message, lastSeen });
    folded.set(cause, into);
  }
  return [...folded.values()]
    .map((one) => ({ ...one, objects: [...one.objects.values()] }))
    .sort((a, b) => b.lastSeen.localeCompare(a.lastSeen));
}
