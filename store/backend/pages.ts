import type { Pages, Row } from "./backend.ts";
import type { Layer } from "./layer.ts";

interface Span {
  readonly from: string;
  readonly to: string;
  readonly rowsMax: number;
}

/** The rows of the base with the layers (oldest first) laid over them, in order. */
export async function* mergedPages(base: Pages, layers: readonly Layer[], span: Span): Pages {
  const { to, rowsMax } = span;
  let from = span.from;
  for await (const page of base) {
    const last = page.at(-1);
    if (last === undefined) continue;
    const next = `${last.key}\0`;
    yield* slices(mergeRows(page, overlay(layers, from, next)), rowsMax);
    from = next;
  }
  yield* slices(mergeRows([], overlay(layers, from, to)), rowsMax);
}

type Overlay = readonly (readonly [key: string, value: Uint8Array | null])[];

/** What the layers say of [from, to), newest word per key, in order. */
function overlay(layers: readonly Layer[], from: string, to: string): Overlay {
  const found: [string, Uint8Array | null][] = [];
  let touched = 0;
  for (const layer of layers) {
    const before = found.length;
    layer.visit(from, to, (key, value) => {
      found.push([key, value]);
    });
    if (found.length > before) touched++;
  }
  if (touched <= 1) return found;
  return [...new Map(found)].sort((a, b) => (a[0] < b[0] ? -1 : 1));
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
