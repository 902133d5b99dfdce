/** A value for people: byte strings as text, and not too long. */
export function textOf(value: unknown): string {
  const text = JSON.stringify(value, (_, part: unknown) => {
    if (typeof part === "bigint") return part.toString(16);
    if (part instanceof Uint8Array) return Buffer.from(part).toString("latin1");
    if (isBuffer(part)) return Buffer.from(part.data).toString("latin1");
    if (typeof part === "object" && part !== null && "onDeath" in part) return undefined; // a process
    return part;
  });
  return text.length > 600 ? `${text.slice(0, 600)}…` : text;
}

/** What Buffer.toJSON made of one. */
function isBuffer(part: unknown): part is { readonly data: readonly number[] } {
  return (
    typeof part === "object" && part !== null && "type" in part && part.type === "Buffer" && "data" in part
  );
}
