import type { Header } from "./header.ts";
import { staticTable } from "./static-table.ts";

const statusOk = Buffer.from([0x80 | indexOf(":status", "200")]);

/** Headers as a block that touches no table, so that it may be made once and sent on any connection: names in the static
 *  table by their index, everything else as it is. */
export function headerBlock(headers: readonly Header[]): Buffer {
  return Buffer.concat(
    headers.map((header) => {
      if (header.name === ":status" && header.value === "200") return statusOk;
      const index = indexOf(header.name);
      const name = index === 0 ? [Buffer.from([0]), literal(header.name)] : [integer(index, 4)];
      return Buffer.concat([...name, literal(header.value)]);
    }),
  );
}

function indexOf(name: string, value?: string): number {
  return (
    1 +
    staticTable.findIndex((entry) => entry.name === name && (value === undefined || entry.value === value))
  );
}

function literal(text: string): Buffer {
  const bytes = Buffer.from(text, "latin1");
  return Buffer.concat([integer(bytes.length, 7), bytes]);
}

/** An integer with a prefix of so many bits; the bits above are zero. */
function integer(value: number, prefixBits: number): Buffer {
  const most = 2 ** prefixBits - 1;
  if (value < most) return Buffer.from([value]);
  const bytes = [most];
  let rest = value - most;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}
