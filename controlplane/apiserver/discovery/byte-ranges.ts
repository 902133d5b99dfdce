/** So many bytes from one on. */
export interface Range {
  readonly start: number;
  readonly length: number;
}

const unit = "bytes=";
const digits = /^\+?\d{1,19}$/;

/** The parts of so many bytes that a Range header asks for; none where all is to be sent, which is also the answer to who asks for
 *  more than there is. Pure; as Go reads the header. */
export function byteRanges(header: string, size: number): readonly Range[] | "malformed" | "beyond" {
  if (header === "") return [];
  if (!header.startsWith(unit)) return "malformed";
  const ranges: Range[] = [];
  let isBeyond = false;
  for (const text of header.slice(unit.length).split(",")) {
    const asked = text.trim();
    if (asked === "") continue;
    const range = oneRange(asked, size);
    if (range === "malformed") return range;
    if (range === "beyond") isBeyond = true;
    else ranges.push(range);
  }
  if (isBeyond && ranges.length === 0) return size === 0 ? [] : "beyond";
  const bytes = ranges.reduce((sum, { length }) => sum + length, 0);
  return bytes > size ? [] : ranges;
}

function oneRange(text: string, size: number): Range | "malformed" | "beyond" {
  const dash = text.indexOf("-");
  if (dash < 0) return "malformed";
  const [from, to] = [text.slice(0, dash).trim(), text.slice(dash + 1).trim()];
  if (from === "") {
    if (!digits.test(to)) return "malformed";
    const length = Math.min(Number(to), size);
    return { start: size - length, length };
  }
  if (!digits.test(from)) return "malformed";
  const start = Number(from);
  if (start >= size) return "beyond";
  if (to === "") return { start, length: size - start };
  if (!digits.test(to) || Number(to) < start) return "malformed";
  return { start, length: Math.min(Number(to), size - 1) - start + 1 };
}
