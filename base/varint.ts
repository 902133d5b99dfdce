/** Protocol Buffers' varints: seven bits a byte, the lowest first. Numbers are safe integers that are not negative. */

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

/** A bigint and its two halves, without arithmetic on bigints. */
const whole = new BigUint64Array(1);
const halves = new Uint32Array(whole.buffer);

/** How many bytes an unsigned 64-bit `value` takes. */
export function varint64Bytes(value: bigint): number {
  whole[0] = value;
  return varintBytesOf(halves[0] as number, halves[1] as number);
}

function varintBytesOf(low: number, high: number): number {
  if (high === 0) return varintBytes(low);
  const bits = 64 - Math.clz32(high);
  return Math.ceil(bits / 7);
}

/** Writes an unsigned 64-bit `value` at `at`, where there is room; answers where it ends. */
export function writeVarint64(buffer: Uint8Array, at: number, value: bigint): number {
  whole[0] = value;
  let low = halves[0] as number;
  let high = halves[1] as number;
  let end = at;
  while (high !== 0) {
    buffer[end++] = (low & 0x7f) | 0x80;
    low = ((low >>> 7) | (high << 25)) >>> 0;
    high >>>= 7;
  }
  return writeVarint(buffer, end, low);
}
