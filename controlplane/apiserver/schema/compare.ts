import { type FieldSet, listElement, type Path, pathKey } from "./field-set.ts";
import { elementOf, fieldOf, messageOf, type SchemaField, type SchemaType } from "./load.ts";
import { sameValue } from "./same-value.ts";
import { alwaysWritten, zeroOf } from "./written-form.ts";

/** What tells one state of an object from another, field by field, as structured-merge-diff compares. */
export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

type Json = Readonly<Record<string, unknown>>;

/** Is told what differs, part by part: goes into a part before anything in it is told, and out of it after. */
export interface ComparisonSink {
  enter(element: string): void;
  leave(): void;
  /** The part where it is now differs so. */
  note(change: keyof Comparison): void;
}

/** Pure. A part that is new is a member itself, beside the fields in it. */
export function compareObjects(type: SchemaType, before: Json, after: Json): Comparison {
  const sink = new PathSink();
  compareInto(sink, type, before, after);
  return sink.found;
}

/** The same, told to whoever keeps it in another form. */
export function compareInto(sink: ComparisonSink, type: SchemaType, before: Json, after: Json): void {
  compareFields(type, [before, after], sink);
}

class PathSink implements ComparisonSink {
  readonly found = {
    added: new Map<string, Path>(),
    modified: new Map<string, Path>(),
    removed: new Map<string, Path>(),
  };
  readonly #path: string[] = [];

  enter(element: string): void {
    this.#path.push(element);
  }
  leave(): void {
    this.#path.pop();
  }
  note(change: keyof Comparison): void {
    const path = [...this.#path];
    this.found[change].set(pathKey(path), path);
  }
}

type Pair = readonly [before: unknown, after: unknown];

function compareFields(type: SchemaType | undefined, [before, after]: Pair, sink: ComparisonSink): void {
  const [a, b] = [objectOf(before), objectOf(after)];
  const compareOne = (name: string) => {
    const field = type === undefined ? undefined : fieldOf(type, name);
    const from = asStored(field, givenValue(field, a, name));
    compareWithin(`f:${name}`, field, [from, givenValue(field, b, name)], sink);
  };
  for (const name of namesIn(a)) compareOne(name);
  for (const name of namesIn(b)) if (!has(a, name)) compareOne(name);
  // What both sides always have is the same there; what only one is there to have is its own.
  if (type === undefined || (a === undefined) === (b === undefined)) return;
  for (const [name] of alwaysWritten(type)) if (!has(a, name) && !has(b, name)) compareOne(name);
}

const namesIn = (object: Json | undefined) => (object === undefined ? [] : Object.keys(object));
const has = (object: Json | undefined, name: string) => object !== undefined && Object.hasOwn(object, name);
/** Not what every object inherits: `constructor` is a label like others. */
const own = (object: Json | undefined, name: string) => (has(object, name) ? object?.[name] : undefined);

function compareWithin(
  element: string,
  field: SchemaField | undefined,
  pair: Pair,
  sink: ComparisonSink,
): void {
  if (pair[0] === pair[1]) return;
  sink.enter(element);
  comparePart(field, pair, sink);
  sink.leave();
}

/** Kubernetes stores an empty list that is always written as none at all. */
function asStored(field: SchemaField | undefined, value: unknown): unknown {
  const isEmptyList = Array.isArray(value) && value.length === 0;
  return isEmptyList && field !== undefined && zeroOf(field) === null ? null : value;
}

/** What Go's types always have is there where its owner is. */
function givenValue(field: SchemaField | undefined, owner: Json | undefined, name: string): unknown {
  if (owner === undefined) return undefined;
  const value = own(owner, name);
  if (value !== undefined) return value;
  return field === undefined ? undefined : zeroOf(field);
}

function comparePart(field: SchemaField | undefined, pair: Pair, sink: ComparisonSink): void {
  const [before, after] = pair;
  if (field !== undefined && isGranularList(field)) compareList(field, pair, sink);
  else if (isGranularMap(field, pair)) {
    const type = field === undefined || field.c === "map" ? undefined : messageOf(field);
    const isBare = type === undefined || alwaysWritten(type).length === 0;
    if (isBare && isEmpty(before) && isEmpty(after)) compareLeaf(pair, sink);
    else {
      if (field?.c === "map") compareEntries(field, pair, sink);
      else compareFields(type, pair, sink);
      comparePresence(pair, sink);
    }
  } else compareLeaf(pair, sink);
}

function compareEntries(field: SchemaField, [before, after]: Pair, sink: ComparisonSink): void {
  const [a, b] = [objectOf(before), objectOf(after)];
  const element = elementOf(field);
  for (const key of namesIn(a)) compareWithin(`f:${key}`, element, [a?.[key], own(b, key)], sink);
  for (const key of namesIn(b))
    if (!has(a, key)) compareWithin(`f:${key}`, element, [undefined, b?.[key]], sink);
}

function compareList(field: SchemaField, pair: Pair, sink: ComparisonSink): void {
  const [before, after] = pair;
  const [a, b] = [elementsOf(field, before), elementsOf(field, after)];
  // A list whose elements cannot be told apart, or an empty one, counts as a whole.
  if (a === undefined || b === undefined || a.size + b.size === 0) {
    compareLeaf(pair, sink);
    return;
  }
  const isMessage = messageOf(field) !== undefined;
  const compareOne = (name: string, one: unknown, other: unknown) => {
    const isWhole = !isMessage || one instanceof Doubles || other instanceof Doubles;
    const element: SchemaField = isWhole ? { t: field.t, atomic: 1 } : elementOf(field);
    compareWithin(name, element, [plain(one), plain(other)], sink);
  };
  for (const [name, one] of a) compareOne(name, one, b.get(name));
  for (const [name, other] of b) if (!a.has(name)) compareOne(name, undefined, other);
  comparePresence(pair, sink);
}

/** Elements of one name, which are owned together. */
class Doubles {
  readonly all: readonly unknown[];
  constructor(all: readonly unknown[]) {
    this.all = all;
  }
}

const plain = (value: unknown) => (value instanceof Doubles ? value.all : value);

/** Undefined: at least one has no name of its own. */
function elementsOf(field: SchemaField, list: unknown): ReadonlyMap<string, unknown> | undefined {
  const elements = new Map<string, unknown>();
  for (const element of Array.isArray(list) ? list : []) {
    const name = listElement(field, element);
    if (name === undefined) return undefined;
    const before = elements.get(name);
    if (before === undefined) elements.set(name, element);
    else elements.set(name, new Doubles([...(before instanceof Doubles ? before.all : [before]), element]));
  }
  return elements;
}

export const isGranularList = (field: SchemaField): boolean =>
  field.c === "list" && field.atomic !== 1 && (field.set === 1 || field.keys !== undefined);

/** Fields that no schema tells of are maps as far as they look like some. */
export function isGranularMap(field: SchemaField | undefined, values: readonly unknown[]): boolean {
  if (field === undefined)
    return values.every((value) => value === undefined || objectOf(value) !== undefined);
  if (field.atomic === 1) return false;
  if (field.c === "map") return true;
  const type = field.c === undefined ? messageOf(field) : undefined;
  return type !== undefined && (type.atomic !== 1 || field.granular === 1);
}

function compareLeaf([before, after]: Pair, sink: ComparisonSink): void {
  if (before === undefined || after === undefined) comparePresence([before, after], sink);
  else if ((before === null) !== (after === null) || !sameValue(before, after)) sink.note("modified");
}

function comparePresence([before, after]: Pair, sink: ComparisonSink): void {
  if (before === undefined && after !== undefined) sink.note("added");
  if (before !== undefined && after === undefined) sink.note("removed");
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || Object.keys(value).length === 0;
}

function objectOf(value: unknown): Json | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}
