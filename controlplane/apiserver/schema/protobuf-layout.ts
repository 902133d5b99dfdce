import { type SchemaField, type SchemaType, typeOf } from "./load.ts";

/** What stands under one field number of a message. */
export type LayoutEntry =
  | { readonly kind: "field"; readonly name: string; readonly field: SchemaField }
  /** A message folded into its parent in JSON. */
  | { readonly kind: "inlined"; readonly layout: Layout };

/** A message by field number. */
export type Layout = ReadonlyMap<number, LayoutEntry>;

const layouts = new Map<SchemaType, Layout>();

/** The wire layout of a message; made once. */
export function layoutOf(type: SchemaType): Layout {
  let layout = layouts.get(type);
  if (layout === undefined) {
    layout = build(Object.entries(type.fields).flatMap(([name, field]) => numbered(name, field)));
    layouts.set(type, layout);
  }
  return layout;
}

interface Numbered {
  readonly path: readonly number[];
  readonly name: string;
  readonly field: SchemaField;
}

function numbered(name: string, field: SchemaField): readonly Numbered[] {
  return field.n === undefined ? [] : [{ path: field.n.split(".").map(Number), name, field }];
}

function build(rows: readonly Numbered[]): Layout {
  const layout = new Map<number, LayoutEntry>();
  const folded = new Map<number, Numbered[]>();
  for (const row of rows) {
    const [first = 0, ...rest] = row.path;
    if (rest.length === 0) layout.set(first, { kind: "field", name: row.name, field: row.field });
    else folded.set(first, [...(folded.get(first) ?? []), { ...row, path: rest }]);
  }
  for (const [number, inner] of folded) layout.set(number, { kind: "inlined", layout: build(inner) });
  return layout;
}

/** The message of a field's values; undefined for scalars. */
export function messageOf({ inner, t }: SchemaField): SchemaType | undefined {
  return inner ?? typeOf(t);
}

/** How one value stands on the wire: a varint, eight bytes, or bytes with their length before them. */
export function wireTypeOf({ t, c }: SchemaField): 0 | 1 | 2 {
  if (c === "mapOfLists") return 2;
  if (t === "integer" || t === "boolean") return 0;
  return t === "number" ? 1 : 2;
}
