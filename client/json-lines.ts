const NEWLINE = 0x0a;

/** Splits a byte stream into lines and parses each as JSON. Empty lines are skipped; a line longer than
 *  `lineBytesMost` is refused; a last line without its end is dropped (the connection was cut inside it). */
export async function* jsonLines(
  chunks: AsyncIterable<Uint8Array>,
  lineBytesMost: number,
): AsyncGenerator<unknown, void, void> {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      held.push(chunk.subarray(start, end));
      const line = textOf(held);
      held = [];
      heldBytes = 0;
      start = end + 1;
      if (line.trim() !== "") yield JSON.parse(line);
    }
    if (start < chunk.length) {
      held.push(chunk.subarray(start));
      heldBytes += chunk.length - start;
      if (heldBytes > lineBytesMost)
        throw new RangeError(`a line of the stream is longer than ${lineBytesMost} bytes`);
    }
  }
}

/** Of most lines there is one piece, which is read where it lies. */
function textOf(pieces: readonly Uint8Array[]): string {
  const [first] = pieces;
  if (pieces.length > 1 || first === undefined) return Buffer.concat(pieces).toString("utf8");
  return Buffer.from(first.buffer, first.byteOffset, first.length).toString("utf8");
}
