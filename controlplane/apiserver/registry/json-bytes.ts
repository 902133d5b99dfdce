const [quote, backslash, opening, closing] = Buffer.from('"\\{}');

/** The value of an object's field in its compact JSON, where that comes first and is an object itself; else undefined. Pure.
 *  @param json Well-formed. */
export function firstFieldOf(json: Buffer, field: string): Buffer | undefined {
  const start = `{"${field}":`;
  if (json.toString("latin1", 0, start.length) !== start || json[start.length] !== opening) return undefined;
  let depth = 0;
  for (let at = start.length; at < json.length; at++) {
    const byte = json[at];
    if (byte === quote) at = closingQuote(json, at);
    else if (byte === opening) depth++;
    else if (byte === closing && --depth === 0) return json.subarray(start.length, at + 1);
  }
  return undefined;
}

/** Where the string ends that begins at `opens`. */
function closingQuote(json: Buffer, opens: number): number {
  let at = opens + 1;
  while (at < json.length && json[at] !== quote) at += json[at] === backslash ? 2 : 1;
  return at;
}
