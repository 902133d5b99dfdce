import type { DeadRows } from "./dead-rows.ts";
import {
  compareRevisions,
  fillRow,
  type PlacedRow,
  placedRow,
  type RevisionRow,
  readRow,
  rowBytesAt,
} from "./row-format.ts";
import type { Body, Segment } from "./segment.ts";

/** A segment as it was when a view began: its first so many blocks and rows, but for the dead ones. */
export interface SegmentView {
  readonly segment: Segment;
  readonly blocks: number;
  readonly rows: number;
  readonly dead: DeadRows | undefined;
}

interface Revision {
  readonly main: number;
  readonly sub: number;
}

/** [from, to) in the order of revisions. */
export interface RevisionRange {
  readonly from: Revision;
  readonly to: Revision | undefined;
}

/** Lets others run. */
type Pause = () => Promise<void>;

/** Rows in pages of at most `rowsMax`. */
export async function* walkRows(
  views: readonly SegmentView[],
  range: RevisionRange,
  rowsMax: number,
  pause: Pause,
): AsyncIterable<readonly RevisionRow[]> {
  let page: RevisionRow[] = [];
  for await (const { view, first, bodies } of walkRuns(views, range, pause)) {
    for (const [at, body] of bodies.entries()) {
      for (const row of livingRows(view, first + at, body)) {
        if (isBefore(row, range.from)) continue;
        if (range.to !== undefined && !isBefore(row, range.to)) break;
        if (page.length === rowsMax) {
          yield page;
          page = [];
          await pause();
        }
        page.push(row);
      }
    }
  }
  if (page.length > 0) yield page;
}

/** Rows that are shown at a stretch: a run of small ones has thousands, and for each there may be a key to look for. */
export const sliceRows = 500;

/** Shows every row from one on to `visit`, in order, without making anything for each: there may be millions. */
export async function visitRows(
  views: readonly SegmentView[],
  visit: (row: PlacedRow) => void,
  pause: Pause,
  from: RevisionRange["from"] = { main: 0, sub: 0 },
): Promise<void> {
  const row = placedRow();
  let shown = 0;
  for await (const { view, first, bodies } of walkRuns(views, { from, to: undefined }, pause)) {
    const { dead, rows, segment } = view;
    let number = segment.table.firstRow(first);
    for (const { chunk, start, end } of bodies) {
      for (let at = start; at < end && number < rows; at = row.end, number++) {
        fillRow(chunk, at, row);
        if ((dead === undefined || !dead.has(number)) && !isBefore(row, from)) visit(row);
        if (++shown % sliceRows === 0) await pause();
      }
    }
  }
}

/** Neighbouring blocks that were read together. */
interface Run {
  readonly view: SegmentView;
  /** Number of the first block. */
  readonly first: number;
  readonly bodies: readonly Body[];
}

/** One run is read while the one before it is looked at. */
async function* walkRuns(
  views: readonly SegmentView[],
  range: RevisionRange,
  pause: Pause,
): AsyncIterable<Run> {
  const loads = runsOf(views, range);
  let next = loads.next();
  try {
    while (!next.done) {
      const { view, first, loading } = next.value;
      const bodies = await loading;
      next = loads.next();
      yield { view, first, bodies };
      await pause();
    }
  } finally {
    if (!next.done) await next.value.loading.catch(() => undefined); // then its file may be closed
  }
}

interface StartedRun {
  readonly view: SegmentView;
  readonly first: number;
  readonly loading: Promise<readonly Body[]>;
}

/** Each run begins to be read when it is asked for. */
function* runsOf(views: readonly SegmentView[], range: RevisionRange): Generator<StartedRun, void, void> {
  for (const [at, view] of views.entries()) {
    const { segment, blocks } = view;
    const next = views[at + 1];
    if (next !== undefined && next.segment.table.compare(0, range.from.main, range.from.sub) <= 0) continue;
    let first = Math.max(0, segment.table.find(range.from.main, range.from.sub));
    while (first < blocks && !beginsBehind(segment, first, range)) {
      const end = segment.runEnd(first, blocks);
      const loading = segment.load(first, end);
      loading.catch(() => undefined); // who waits for it hears of it
      yield { view, first, loading };
      first = end;
    }
  }
}

function beginsBehind(segment: Segment, block: number, { to }: RevisionRange): boolean {
  return to !== undefined && segment.table.compare(block, to.main, to.sub) >= 0;
}

function isBefore(row: Revision, { main, sub }: Revision): boolean {
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
