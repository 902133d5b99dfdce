import type { LineTest } from "../../client/logs/match-line.ts";
import type { Needles } from "../../client/logs/needles.ts";
import { lineBytesMost } from "./blocks.ts";
import type { RecordFormat } from "./record.ts";

const newline = 10;

/** What is looked for in lines. */
export interface ScanPlan {
  /** Undefined: every line of the time. */
  readonly test: LineTest | undefined;
  /** Bytes of which a matching line has at least one. */
  readonly needles: readonly Buffer[] | undefined;
  readonly mayBeEscaped: boolean;
  readonly stream: "stdout" | "stderr" | undefined;
  /** In [since, until). */
  readonly sinceUs: number;
  readonly untilUs: number;
}

/** A line that was found. Its text is made when it is wanted. */
export interface FoundLine {
  readonly timeUs: number;
  /** Of its first record, in the block. */
  readonly from: number;
  readonly textFrom: number;
  readonly end: number;
  /** Of a line that was written in parts. */
  readonly joined?: Buffer;
  /** Of the whole text, also where only its beginning is here. */
  readonly bytes: number;
}

export function scanPlan(
  needles: Needles | undefined,
  rest: Pick<ScanPlan, "test" | "stream" | "sinceUs" | "untilUs">,
): ScanPlan {
  return {
    ...rest,
    needles: needles?.anyOf.map((text) => Buffer.from(text)),
    mayBeEscaped: needles?.mayBeEscaped ?? false,
  };
}

const unicodeEscape = Buffer.from("\\u");
const partials = [" stdout P", " stderr P"].map((text) => Buffer.from(text));

/** The lines of a block that match, by time. Bytes are looked through before anything is decoded. */
export function scanBlock(block: Buffer, format: RecordFormat, plan: ScanPlan): FoundLine[] {
  const found: FoundLine[] = [];
  if (partials.some((partial) => hasPartial(block, partial, format))) scanJoined(block, format, plan, found);
  else scanRecords(block, format, plan, found);
  return inOrder(found);
}

/** There is a record whose text goes on; what only reads like one in a text is not. */
function hasPartial(block: Buffer, partial: Buffer, format: RecordFormat): boolean {
  for (let at = block.indexOf(partial); at >= 0; at = block.indexOf(partial, at + 1))
    if (format.isPartial(block, lineStart(block, at))) return true;
  return false;
}

const lineStart = (block: Buffer, at: number): number =>
  at === 0 ? 0 : block.lastIndexOf(newline, at - 1) + 1;

function scanRecords(block: Buffer, format: RecordFormat, plan: ScanPlan, found: FoundLine[]): void {
  const { needles, mayBeEscaped } = plan;
  if (needles === undefined || (mayBeEscaped && block.includes(unicodeEscape))) {
    let lastUs = Number.NaN;
    for (let from = 0; ; ) {
      const end = block.indexOf(newline, from);
      if (end < 0) return;
      const ownUs = format.timeUs(block, from, end);
      if (!Number.isNaN(ownUs)) lastUs = ownUs;
      take({ from, end, timeUs: lastUs }, { block, format, plan, found });
      from = end + 1;
    }
  }
  const next = needles.map((needle) => block.indexOf(needle));
  for (;;) {
    let at = Number.POSITIVE_INFINITY;
    for (const one of next) if (one >= 0 && one < at) at = one;
    if (at === Number.POSITIVE_INFINITY) return;
    const end = block.indexOf(newline, at);
    if (end < 0) return;
    const from = lineStart(block, at);
    take({ from, end, timeUs: timeBefore(block, format, from, end) }, { block, format, plan, found });
    for (let index = 0; index < next.length; index += 1) {
      const needle = needles[index];
      const one = next[index];
      if (needle !== undefined && one !== undefined && one >= 0 && one <= end)
        next[index] = block.indexOf(needle, end + 1);
    }
  }
}

/** A line without a time was written with the one before. */
function timeBefore(block: Buffer, format: RecordFormat, from: number, end: number): number {
  let timeUs = format.timeUs(block, from, end);
  for (let begin = from; Number.isNaN(timeUs) && begin > 0; ) {
    const before = begin - 1;
    begin = lineStart(block, before);
    timeUs = format.timeUs(block, begin, before);
  }
  return timeUs;
}

interface Scan {
  readonly block: Buffer;
  readonly format: RecordFormat;
  readonly plan: ScanPlan;
  readonly found: FoundLine[];
}

function take(
  { from, end, timeUs }: { readonly from: number; readonly end: number; readonly timeUs: number },
  { block, format, plan, found }: Scan,
): void {
  if (!(timeUs >= plan.sinceUs && timeUs < plan.untilUs)) return;
  const textFrom = format.textFrom(block, from, end);
  if (textFrom < 0) return;
  if (plan.stream !== undefined && format.stream(block, from) !== plan.stream) return;
  const cut = Math.min(end, textFrom + lineBytesMost);
  if (plan.test !== undefined && !plan.test(block.toString("utf8", textFrom, cut))) return;
  found.push({ timeUs, from, textFrom, end: cut, bytes: end - textFrom });
}

interface Pending {
  readonly timeUs: number;
  readonly from: number;
  readonly parts: Buffer[];
  bytes: number;
}

/** Joins what was written in parts before it is tested. */
function scanJoined(block: Buffer, format: RecordFormat, plan: ScanPlan, found: FoundLine[]): void {
  const pending = new Map<string, Pending>();
  const finish = (stream: string, end: number) => {
    const line = pending.get(stream);
    if (line === undefined) return;
    pending.delete(stream);
    const joined = Buffer.concat(line.parts, Math.min(line.bytes, lineBytesMost));
    if (plan.stream !== undefined && plan.stream !== stream) return;
    if (!(line.timeUs >= plan.sinceUs && line.timeUs < plan.untilUs)) return;
    if (plan.test !== undefined && !plan.test(joined.toString("utf8"))) return;
    const { timeUs, from, bytes } = line;
    found.push({ timeUs, from, textFrom: from, end, joined, bytes });
  };
  for (let from = 0; ; ) {
    const end = block.indexOf(newline, from);
    if (end < 0) break;
    const textFrom = format.textFrom(block, from, end);
    const timeUs = format.timeUs(block, from, end);
    const stream = format.stream(block, from);
    if (textFrom >= 0 && stream !== undefined && !Number.isNaN(timeUs)) {
      const line = pending.get(stream) ?? { timeUs, from, parts: [], bytes: 0 };
      pending.set(stream, line);
      if (line.bytes < lineBytesMost) line.parts.push(block.subarray(textFrom, end));
      line.bytes += end - textFrom;
      if (!format.isPartial(block, from)) finish(stream, end);
    }
    from = end + 1;
  }
  // Their ends were never written, or are in the next block.
  for (const stream of [...pending.keys()]) finish(stream, block.length);
}

/** Mostly they are; what two streams wrote at once may not be. */
function inOrder(found: FoundLine[]): FoundLine[] {
  for (let at = 1; at < found.length; at += 1)
    if ((found[at - 1] as FoundLine).timeUs > (found[at] as FoundLine).timeUs)
      return found.sort((a, b) => a.timeUs - b.timeUs);
  return found;
}

/** The text of a line, its beginning where it is longer than `bytesMost`. */
export function textOf(block: Buffer, line: FoundLine, bytesMost: number): string {
  const { joined, textFrom, end } = line;
  return joined === undefined
    ? block.toString("utf8", textFrom, Math.min(end, textFrom + bytesMost))
    : joined.toString("utf8", 0, bytesMost);
}
