/** A 64-bit signed integer written in decimal, as Go's ParseInt takes it; undefined for anything else. Never a
 *  JavaScript number, which holds whole numbers up to 2^53 only. */
export function parseInt64(text: string): bigint | undefined {
  if (!/^[+-]?\d{1,40}$/.test(text)) return undefined;
  const value = BigInt(text.replace(/^\+/, ""));
  return isInt64(value) ? value : undefined;
}

export function isInt64(value: bigint): boolean {
  return value === BigInt.asIntN(64, value);
}
