import type { DeadRows } from "./dead-rows.ts";
import { compareRevisions, type RevisionRow, readRow, rowBytesAt } from "./row-format.ts";
import type { Body, Segment } from "./segment.ts";

/** A segment as it was when a view began: its first so many blocks and rows, but for the dead ones. */
export interface SegmentView {
  readonly segment: Segment;
  readonly blocks: number;
  readonly rows: number;
  readonly dead: DeadRows | undefined;
}

/** [from, to) in the order of revisions. */
export interface RevisionRange {
  readonly from: { readonly main: number; readonly sub: number };
  readonly to: { readonly main: number; readonly sub: number } | undefined;
}

/** Rows in pages of at most `rowsMax`. `pause` lets others run between two pages for which nothing was read. */
export async function* walkRows(
  views: readonly SegmentView[],
  range: RevisionRange,
  rowsMax: number,
  pause: () => Promise<void>,
): AsyncIterable<readonly RevisionRow[]> {
  let page: RevisionRow[] = [];
  for (const [at, view] of views.entries()) {
    const { table } = view.segment;
    const next = views[at + 1];
    if (next !== undefined && next.segment.table.compare(0, range.from.main, range.from.sub) <= 0) continue;
    let block = Math.max(0, table.find(range.from.main, range.from.sub));
    while (block < view.blocks && !beginsBehind(view.segment, block, range)) {
      for (const body of await view.segment.load(block, view.blocks)) {
        for (const row of livingRows(view, block, body)) {
          if (isBefore(row, range.from)) continue;
          if (range.to !== undefined && !isBefore(row, range.to)) break;
          if (page.length === rowsMax) {
            yield page;
            page = [];
            await pause();
          }
          page.push(row);
        }
        block++;
      }
    }
  }
  if (page.length > 0) yield page;
}

function beginsBehind(segment: Segment, block: number, { to }: RevisionRange): boolean {
  return to !== undefined && segment.table.compare(block, to.main, to.sub) >= 0;
}

function isBefore(row: RevisionRow, { main, sub }: { readonly main: number; readonly sub: number }): boolean {
  return compareRevisions(row.main, row.sub, main, sub) < 0;
}

function livingRows(view: SegmentView, block: number, { chunk, start, end }: Body): readonly RevisionRow[] {
  const rows: RevisionRow[] = [];
  let row = view.segment.table.firstRow(block);
  for (let at = start; at < end && row < view.rows; at += rowBytesAt(chunk, at)) {
    if (view.dead === undefined || !view.dead.has(row)) rows.push(readRow(chunk, at));
    row++;
  }
  return rows;
}
