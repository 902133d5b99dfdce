/** The string code of HPACK (RFC 7541, appendix B). It is canonical: the lengths of all codes, one a byte value and the last
 *  that of the end-of-string symbol, say everything. */
const codeLengths = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28,
  28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7,
  8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19,
  13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13,
  28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21,
  22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23,
  22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25,
  25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
] as const;
const endOfString = 256;
/** Padding is the beginning of the end-of-string code, all ones, and shorter than a byte. */
const paddingBitsMost = 7;

/** A binary tree as pairs: `tree[2 * node + bit]` is the next node, or ~symbol at a leaf. */
const tree = buildTree();

function buildTree(): Int16Array {
  const symbols = [...codeLengths.keys()].sort(
    (a, b) => (codeLengths[a] ?? 0) - (codeLengths[b] ?? 0) || a - b,
  );
  const nodes = new Int16Array(2 * codeLengths.length);
  let nodeCount = 1;
  let code = 0;
  let length = 0;
  for (const symbol of symbols) {
    const symbolLength = codeLengths[symbol] ?? 0;
    code *= 2 ** (symbolLength - length);
    length = symbolLength;
    let node = 0;
    for (let bit = length - 1; bit > 0; bit--) {
      const at = 2 * node + ((code >>> bit) & 1);
      if (nodes[at] === 0) nodes[at] = nodeCount++;
      node = nodes[at] ?? 0;
    }
    nodes[2 * node + (code & 1)] = ~symbol;
    code += 1;
  }
  return nodes;
}

/** The text of `bytes[start, end)`, a character a byte. Undefined when that is no valid code. */
export function huffmanDecode(bytes: Uint8Array, start: number, end: number): string | undefined {
  const codes: number[] = [];
  let node = 0;
  let padding = 0;
  let isPadding = true;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    for (let bit = 7; bit >= 0; bit--) {
      const value = (byte >>> bit) & 1;
      const next = tree[2 * node + value] as number;
      if (next >= 0) {
        node = next;
        padding += 1;
        isPadding &&= value === 1;
        continue;
      }
      if (~next === endOfString) return undefined;
      codes.push(~next);
      node = 0;
      padding = 0;
      isPadding = true;
    }
  }
  if (padding > paddingBitsMost || !isPadding) return undefined;
  let text = "";
  for (let at = 0; at < codes.length; at += 4096) text += String.fromCharCode(...codes.slice(at, at + 4096));
  return text;
}
