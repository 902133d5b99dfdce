/** Protocol Buffers' varints of safe integers that are not negative: seven bits a byte, the lowest first. */

/** How many bytes `value` takes. */
export function varintBytes(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  if (value < 0x1000_0000) return 4;
  let bytes = 5;
  for (let rest = Math.floor(value / 2 ** 35); rest > 0; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}

/** Writes `value` at `at`, where there is room; answers where it ends. */
export function writeVarint(buffer: Uint8Array, at: number, value: number): number {
  let end = at;
  let rest = value;
  while (rest >= 2 ** 31) {
    buffer[end++] = (rest % 128) | 0x80;
    rest = Math.floor(rest / 128);
  }
  while (rest >= 0x80) {
    buffer[end++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  buffer[end++] = rest;
  return end;
}
