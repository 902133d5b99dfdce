/** Tables as the API server prints them (meta.k8s.io/v1 Table), and how views order and pick their rows. Pure. */

export interface Column {
  readonly name: string;
  readonly type: string;
  readonly format?: string;
  readonly description?: string;
  readonly priority: number;
}

export interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly {
    readonly apiVersion: string;
    readonly kind: string;
    readonly name: string;
    readonly uid: string;
    readonly controller?: boolean;
  }[];
  readonly finalizers?: readonly string[];
  readonly generation?: number;
}

export type Cell = string | number | boolean | null | undefined;

export interface Row {
  readonly cells: readonly Cell[];
  readonly object: { readonly metadata: Metadata };
}

export interface Table {
  readonly metadata?: {
    readonly resourceVersion?: string;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
  readonly columnDefinitions?: readonly Column[] | null;
  readonly rows?: readonly Row[] | null;
}

export const rowKey = ({ object: { metadata } }: Row): string =>
  `${metadata.namespace ?? ""}/${metadata.name}`;

export interface View {
  /** Part of a name, a namespace or a cell; words must all be there. */
  readonly words: string;
  /** A column's index, -1 for the namespace. */
  readonly sortBy: number;
  readonly descending: boolean;
}

const collator = new Intl.Collator("en", { numeric: true });

/** The rows that a view shows, in its order. */
export function arrange(rows: Iterable<Row>, columns: readonly Column[], view: View): readonly Row[] {
  const words = view.words.toLowerCase().split(/\s+/).filter(Boolean);
  const picked = [...rows].filter((row) => words.length === 0 || isMatch(row, words));
  const column = columns[view.sortBy];
  const compare = compareBy(column, view.sortBy);
  const sign = view.descending ? -1 : 1;
  return picked.sort((a, b) => sign * compare(a, b) || collator.compare(rowKey(a), rowKey(b)));
}

function isMatch({ cells, object: { metadata } }: Row, words: readonly string[]): boolean {
  const labels = Object.entries(metadata.labels ?? {}).map(([name, value]) => `${name}=${value}`);
  const text = [metadata.namespace, metadata.name, ...cells, ...labels].join(" ").toLowerCase();
  return words.every((word) => text.includes(word));
}

function compareBy(column: Column | undefined, at: number): (a: Row, b: Row) => number {
  if (at < 0 || column === undefined)
    return (a, b) => collator.compare(a.object.metadata.namespace ?? "", b.object.metadata.namespace ?? "");
  if (isAge(column)) return (a, b) => bornMs(b) - bornMs(a);
  return (a, b) => {
    const [one, other] = [a.cells[at], b.cells[at]];
    return typeof one === "number" && typeof other === "number"
      ? one - other
      : collator.compare(String(one ?? ""), String(other ?? ""));
  };
}

/** The server prints an age as of when it answered; ours goes on. */
export const isAge = ({ name, type }: Column): boolean =>
  name === "Age" && (type === "string" || type === "date");

const bornMs = ({ object }: Row): number => Date.parse(object.metadata.creationTimestamp ?? "") || 0;

/** `3d4h`, as kubectl says it. */
export function ageText(sinceMs: number): string {
  const seconds = Math.max(0, Math.floor(sinceMs / 1000));
  const parts = (big: number, bigUnit: string, small: number, smallUnit: string) =>
    small > 0 ? `${big}${bigUnit}${small}${smallUnit}` : `${big}${bigUnit}`;
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return parts(minutes, "m", seconds % 60, "s");
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 8) return parts(hours, "h", minutes % 60, "m");
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(hours / 24);
  if (days < 8) return parts(days, "d", hours % 24, "h");
  if (days < 730) return `${days}d`;
  return parts(Math.floor(days / 365), "y", days % 365, "d");
}
