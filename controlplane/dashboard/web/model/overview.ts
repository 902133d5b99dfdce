import type { Column, Row } from "../../../../client/rules/printed-table.ts";
import { toneOf } from "../../../../client/rules/tone.ts";
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

/** Rows of which a cell tells that something is wrong. */
export function unwell(rows: Iterable<Row>, columns: readonly Column[]): readonly Row[] {
  return [...rows].filter(({ cells }) => {
    const [ready, status] = ["Ready", "Status"].map((name) =>
      String(cells[columns.findIndex((one) => one.name === name)] ?? ""),
    );
    const tone = toneOf("Status", status ?? "");
    if (tone === "bad" || tone === "warn") return true;
    return /^(Completed|Succeeded|)$/.test(status ?? "") ? status === "" && isShort(ready) : isShort(ready);
  });
}

function isShort(ready = ""): boolean {
  const share = /^(\d+)\/(\d+)$/.exec(ready);
  return share !== null && share[1] !== share[2];
}

export interface FoldedEvent {
  readonly reason: string;
  readonly message: string;
  readonly count: number;
  readonly lastSeen: string;
  readonly objects: readonly string[];
}

interface EventOf extends KubeObject {
  readonly reason?: string;
  readonly message?: string;
  readonly count?: number;
  readonly lastTimestamp?: string | null;
  readonly eventTime?: string | null;
  readonly involvedObject?: { readonly kind?: string; readonly name?: string };
}

/** Warnings by cause: what differs only in names and numbers is one. The newest cause first. */
export function foldEvents(events: Iterable<KubeObject>): readonly FoldedEvent[] {
  const folded = new Map<
    string,
    { reason: string; message: string; count: number; lastSeen: string; objects: Set<string> }
  >();
  for (const event of events as Iterable<EventOf>) {
    const { reason = "", message = "", count = 1, involvedObject = {} } = event;
    const lastSeen = event.lastTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp ?? "";
    const cause = `${reason} ${message.replace(/[\w.-]*\d[\w.:-]*/g, "#").replace(/"[^"]*"/g, '"…"')}`;
    const into = folded.get(cause) ?? { reason, message, count: 0, lastSeen: "", objects: new Set() };
    into.count += count;
    into.objects.add(`${involvedObject.kind ?? ""} ${involvedObject.name ?? ""}`);
    if (lastSeen >= into.lastSeen) Object.assign(into, { message, lastSeen });
    folded.set(cause, into);
  }
  return [...folded.values()]
    .map((one) => ({ ...one, objects: [...one.objects] }))
    .sort((a, b) => b.lastSeen.localeCompare(a.lastSeen));
}

const units: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** A quantity as a number, for bars; 0 for what is none. */
export function amountOf(quantity: string | undefined): number {
  const match = /^([\d.]+)([a-zA-Z]*)$/.exec(quantity ?? "");
  return match === null ? 0 : Number(match[1]) * (units[match[2] ?? ""] ?? 0);
}
