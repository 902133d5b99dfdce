import {
  type BaseView,
  bucketPrefixes,
  type Pages,
  type Row,
  type RowRange,
  type SmallBucket,
} from "./backend.ts";
import type { Layer } from "./layer.ts";

interface Span {
  readonly from: string;
  readonly to: string;
  readonly rowsMax: number;
}

/** Rows of a bucket as the base and the layers have them, in order. */
export function layeredPages(
  view: {
    readonly base: BaseView;
    readonly layers: readonly Layer[];
    readonly pause: () => Promise<void>;
  },
  bucket: SmallBucket,
  range: RowRange = {},
  rowsMax: number,
): Pages {
  const prefix = bucketPrefixes[bucket];
  const from = prefix + (range.from ?? "");
  const to = range.to === undefined ? String.fromCharCode(prefix.charCodeAt(0) + 1) : prefix + range.to;
  const pages = view.base.pages(from, to, rowsMax);
  const merged = mergedPages(pages, view.layers, { from, to, rowsMax }, view.pause);
  return withoutPrefix(merged);
}

async function* withoutPrefix(pages: Pages): Pages {
  for await (const page of pages) yield page.map(({ key, value }) => ({ key: key.slice(1), value }));
}

/** The rows of the base with the layers (oldest first) laid over them, in order. `pause` lets others run between two pages
 *  that need nothing of the base. */
async function* mergedPages(
  base: Pages,
  layers: readonly Layer[],
  span: Span,
  pause: () => Promise<void>,
): Pages {
  const { to, rowsMax } = span;
  let from = span.from;
  for await (const page of base) {
    const last = page.at(-1);
    if (last === undefined) continue;
    const next = `${last.key}\0`;
    yield* paced(mergeUpTo(page, layers, { from, to: next, rowsMax }), pause);
    from = next;
  }
  yield* paced(mergeUpTo([], layers, { from, to, rowsMax }), pause);
}

async function* paced(pages: Iterable<readonly Row[]>, pause: () => Promise<void>): Pages {
  let isFirst = true;
  for (const page of pages) {
    if (!isFirst) await pause();
    isFirst = false;
    yield page;
  }
}

/** `rows` are those of the base in the span. */
function* mergeUpTo(rows: readonly Row[], layers: readonly Layer[], span: Span): Iterable<readonly Row[]> {
  let at = 0;
  for (let from: string | undefined = span.from; from !== undefined; ) {
    const { over, next } = overlay(layers, { ...span, from });
    let end = rows.length;
    if (next !== undefined) for (end = at; end < rows.length && (rows[end] as Row).key < next; ) end++;
    yield* slices(
      mergeRows(at === 0 && end === rows.length ? rows : rows.slice(at, end), over),
      span.rowsMax,
    );
    at = end;
    from = next;
  }
}

type Overlay = readonly (readonly [key: string, value: Uint8Array | null])[];

/** What the layers say of the span's beginning, newest word per key, in order: some `rowsMax` rows at most of each. `next`
 *  is where to go on. */
function overlay(
  layers: readonly Layer[],
  { from, to, rowsMax }: Span,
): { readonly over: Overlay; readonly next: string | undefined } {
  const found: [string, Uint8Array | null][] = [];
  let touched = 0;
  let next: string | undefined;
  for (const layer of layers) {
    const before = found.length;
    layer.visit(from, next ?? to, (key, value) => {
      if (found.length - before === rowsMax) {
        next = key;
        return false;
      }
      found.push([key, value]);
      return true;
    });
    if (found.length > before) touched++;
  }
  const end = next;
  const over = end === undefined ? found : found.filter(([key]) => key < end);
  if (touched <= 1) return { over, next };
  return { over: [...new Map(over)].sort((a, b) => (a[0] < b[0] ? -1 : 1)), next };
}

function mergeRows(rows: readonly Row[], over: Overlay): readonly Row[] {
  if (over.length === 0) return rows;
  const out: Row[] = [];
  let at = 0;
  for (const [key, value] of over) {
    for (; at < rows.length && (rows[at] as Row).key < key; at++) out.push(rows[at] as Row);
    if (rows[at]?.key === key) at++;
    if (value !== null) out.push({ key, value });
  }
  for (; at < rows.length; at++) out.push(rows[at] as Row);
  return out;
}

function* slices(rows: readonly Row[], rowsMax: number): Iterable<readonly Row[]> {
  if (rows.length === 0) return;
  if (rows.length <= rowsMax) yield rows;
  else for (let at = 0; at < rows.length; at += rowsMax) yield rows.slice(at, at + rowsMax);
}
