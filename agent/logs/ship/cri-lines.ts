import { type LineFormat, lineId, linesOf, wholeLines } from "../../../shipping/format.ts";
import { severityOf } from "../../../shipping/lines/severity.ts";
import type { LogRecord } from "../../../shipping/record.ts";
import { nanosOf } from "../../../shipping/record.ts";
import { parseLogLine } from "../../server/cri-log.ts";

type Output = "stdout" | "stderr";

interface OpenLine {
  readonly at: number;
  readonly time: string;
  readonly pieces: Buffer[];
}

/** Containers' logs: what a runtime wrote in several pieces is one line again. */
export const criLines: LineFormat = {
  name: "cri",
  wholeBytes(bytes) {
    const end = wholeLines(bytes);
    return bytes.includes(" P ") ? beforeOpenLines(bytes.subarray(0, end)) : end;
  },
  records(frame) {
    const records: LogRecord[] = [];
    const open = new Map<Output, OpenLine>();
    const close = (output: Output, line: OpenLine) => {
      open.delete(output);
      const text =
        (line.pieces.length === 1 ? line.pieces[0] : Buffer.concat(line.pieces))?.toString("utf8") ?? "";
      const severity = severityOf(text);
      const time = nanosOf(line.time) === undefined ? new Date(frame.atMs).toISOString() : line.time;
      const about = severity === undefined ? undefined : { severity };
      records.push({ stream: frame.stream, id: lineId(frame, line.at), time, text, output, ...about });
    };
    for (const [bytes, at] of linesOf(frame)) {
      const line = parseLogLine(bytes);
      if (line === undefined) continue;
      const one = open.get(line.stream) ?? { at, time: line.time, pieces: [] };
      one.pieces.push(line.text);
      if (line.partial) open.set(line.stream, one);
      else close(line.stream, one);
    }
    for (const [output, line] of [...open]) close(output, line);
    return records;
  },
};

/** Up to where no line is open; 0 where there is no such place. */
function beforeOpenLines(bytes: Buffer): number {
  const open = new Set<Output>();
  let end = 0;
  for (const [line, at] of linesOf({ body: bytes, place: undefined })) {
    const one = parseLogLine(line);
    if (one?.partial === true) open.add(one.stream);
    else if (one !== undefined) open.delete(one.stream);
    if (open.size === 0) end = at + line.length + 1;
  }
  return end;
}
