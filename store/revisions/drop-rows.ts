import { DeadRows, type DeadRowsBuilder } from "./dead-rows.ts";
import { compareRevisions, readRow, rowBytesAt } from "./row-format.ts";
import { type Body, type Segment, segmentAt } from "./segment.ts";

/** Revisions in any order, as two columns: there may be millions. */
export interface Points {
  readonly mains: readonly number[];
  readonly subs: readonly number[];
}

/** Points looked at in one synchronous slice. */
const slicePoints = 2_000;

/** For each segment that holds some of the points, in the order of revisions: its dead rows with them. */
export async function* dropRows(
  segments: readonly Segment[],
  points: Points,
  pause: () => Promise<void>,
): AsyncIterable<{ readonly segment: Segment; readonly dead: DeadRows }> {
  const found = await pointsByBlock(segments, points, pause);
  for (const segment of segments) {
    const byBlock = found.get(segment);
    if (byBlock === undefined) continue;
    const dead = DeadRows.builder(segment.dead, segment.rows);
    const blocks = [...byBlock.keys()].sort((a, b) => a - b);
    const end = segment.table.count;
    for (let at = 0; at < blocks.length; ) {
      let block = blocks[at] as number;
      for (const body of await segment.load(block, segment.runEnd(block, end))) {
        if (block === blocks[at]) {
          addPoints(
            dead,
            segment.table.firstRow(block),
            body,
            sortedPoints(points, byBlock.get(block) ?? []),
          );
          at++;
        }
        block++;
      }
      await pause();
    }
    yield { segment, dead: dead.build() };
  }
}

type ByBlock = Map<number, number[]>;

/** Numbers of the points, by segment and block. */
async function pointsByBlock(
  segments: readonly Segment[],
  { mains, subs }: Points,
  pause: () => Promise<void>,
): Promise<Map<Segment, ByBlock>> {
  const found = new Map<Segment, ByBlock>();
  for (let at = 0; at < mains.length; at++) {
    if (at > 0 && at % slicePoints === 0) await pause();
    const main = mains[at] as number;
    const sub = subs[at] as number;
    const segment = segmentAt(segments, main, sub);
    if (segment === undefined) continue; // dropped and rewritten before
    let byBlock = found.get(segment);
    if (byBlock === undefined) {
      byBlock = new Map();
      found.set(segment, byBlock);
    }
    const block = segment.table.find(main, sub);
    const before = byBlock.get(block);
    if (before === undefined) byBlock.set(block, [at]);
    else before.push(at);
  }
  return found;
}

interface Point {
  readonly main: number;
  readonly sub: number;
}

function sortedPoints({ mains, subs }: Points, numbers: readonly number[]): readonly Point[] {
  const points = numbers.map((at) => ({ main: mains[at] as number, sub: subs[at] as number }));
  return points.sort((a, b) => compareRevisions(a.main, a.sub, b.main, b.sub));
}

function addPoints(
  dead: DeadRowsBuilder,
  firstRow: number,
  { chunk, start, end }: Body,
  points: readonly Point[],
): void {
  let row = firstRow;
  let next = 0;
  for (let at = start; at < end && next < points.length; at += rowBytesAt(chunk, at)) {
    const { main, sub } = readRow(chunk, at);
    const before = next;
    for (let point = points[next]; point !== undefined; point = points[++next])
      if (compareRevisions(point.main, point.sub, main, sub) > 0) break;
    const last = points[next - 1];
    if (next > before && last !== undefined && last.main === main && last.sub === sub)
      dead.add(row, rowBytesAt(chunk, at));
    row++;
  }
}
