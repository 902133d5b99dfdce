import { type LineFormat, lineId, linesOf, wholeLines } from "../format.ts";
import { type LogRecord, nanosOf } from "../record.ts";
import { severityOf } from "./severity.ts";

const stamp = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)/;
/** A time stands near the beginning of a line. */
const lookedAtChars = 128;

/** Lines of programs, with a time in most of them. One without has that of the line before: it is more of the same. */
export const plainLines: LineFormat = {
  name: "lines",
  wholeBytes: wholeLines,
  records(frame) {
    let time = new Date(frame.atMs).toISOString();
    const records: LogRecord[] = [];
    for (const [bytes, at] of linesOf(frame)) {
      const text = bytes.toString("utf8");
      const found = stamp.exec(text.slice(0, lookedAtChars))?.[0];
      if (found !== undefined && nanosOf(found) !== undefined) time = found;
      const severity = severityOf(text);
      const about = severity === undefined ? undefined : { severity };
      records.push({ stream: frame.stream, id: lineId(frame, at), time, text, ...about });
    }
    return records;
  },
};
