import type { Field, Message } from "./protobuf.ts";
import { definedName } from "./protobuf-json.ts";

/** A message in protobuf's text form, on one line, as logs show it: `key:"a" value_size:3`. Of fields whose defined names are
 *  among `sizesOf` only the size in bytes is told: they are long, or nobody's business. */
export function toText(type: Message<object>, value: object, sizesOf: ReadonlySet<string>): string {
  const parts: string[] = [];
  for (const [name, row] of Object.entries(type.fields)) {
    const field = (value as Record<string, unknown>)[name];
    if (field === undefined || row.isDefault(field as never)) continue;
    const defined = definedName(name, row);
    for (const one of row.shape === "repeated" ? (field as unknown[]) : [field])
      parts.push(
        sizesOf.has(defined)
          ? `${defined}_size:${(one as { length: number }).length}`
          : `${defined}:${valueText(row, one, sizesOf)}`,
      );
  }
  return parts.join(" ");
}

function valueText({ json }: Field<unknown>, value: unknown, sizesOf: ReadonlySet<string>): string {
  if (json.kind === "message") return `<${toText(json.type(), value as object, sizesOf)}>`;
  if (json.kind === "bytes") return quoted(Buffer.from(value as Uint8Array).toString("latin1"));
  if (json.kind === "string") return quoted(Buffer.from(String(value), "utf8").toString("latin1"));
  return String(value);
}

/** Bytes that are not printable ASCII stand as octal numbers. */
function quoted(latin1: string): string {
  const escaped = latin1.replace(/[^\x20-\x7e]|["\\]/g, (one) =>
    one === '"' || one === "\\" ? `\\${one}` : `\\${one.charCodeAt(0).toString(8).padStart(3, "0")}`,
  );
  return `"${escaped}"`;
}
