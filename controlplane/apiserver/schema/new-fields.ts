import { type Comparison, type ComparisonSink, compareInto } from "./compare.ts";
import { compareElements } from "./element-order.ts";
import { type FieldTree, type Path, unownedFields } from "./field-set.ts";
import type { SchemaType } from "./load.ts";

type Json = Readonly<Record<string, unknown>>;

interface Part {
  readonly element: string;
  isMember: boolean;
  parts: Part[] | undefined;
}

/** The fields that the maker of a new object sets, as they are recorded; undefined where there are none. The same as the set of
 *  what a comparison with nothing finds, without `resets` and what is nobody's, but made at once: most objects are recorded
 *  when they are made, and never as anything else. Pure.
 *  @param resets Paths like `f:status`: neither they nor what is below them count. */
export function newFields(type: SchemaType, object: Json, resets: readonly string[]): FieldTree | undefined {
  const sink = new TreeSink();
  // Where there is an object there is metadata.
  compareInto(sink, type, { metadata: {} }, object);
  for (const path of resets) drop(sink.root, path.split("\0"));
  for (const path of unownedFields.values()) {
    const part = partAt(sink.root, path);
    if (part !== undefined) part.isMember = false;
  }
  return treeOf(sink.root);
}

class TreeSink implements ComparisonSink {
  readonly root: Part = { element: "", isMember: false, parts: undefined };
  readonly #within: Part[] = [this.root];

  enter(element: string): void {
    this.#within.push({ element, isMember: false, parts: undefined });
  }
  leave(): void {
    const part = this.#within.pop();
    if (part === undefined || (!part.isMember && part.parts === undefined)) return;
    const above = this.#within[this.#within.length - 1] ?? this.root;
    if (above.parts === undefined) above.parts = [part];
    else above.parts.push(part);
  }
  note(change: keyof Comparison): void {
    const part = this.#within[this.#within.length - 1];
    if (part !== undefined && change !== "removed") part.isMember = true;
  }
}

function partAt(root: Part, path: Path): Part | undefined {
  let at: Part | undefined = root;
  for (const element of path) at = at?.parts?.find((part) => part.element === element);
  return at;
}

function drop(root: Part, path: Path): void {
  const above = partAt(root, path.slice(0, -1));
  const last = path[path.length - 1];
  if (above?.parts !== undefined) above.parts = above.parts.filter(({ element }) => element !== last);
}

function treeOf({ isMember, parts = [] }: Part): FieldTree | undefined {
  const tree: FieldTree = {};
  let isEmpty = true;
  for (const part of parts.sort(inOrder)) {
    const below = treeOf(part);
    if (below === undefined) continue;
    if (isEmpty && isMember) tree["."] = {};
    isEmpty = false;
    tree[part.element] = below;
  }
  return isEmpty && !isMember ? undefined : tree;
}

const inOrder = (a: Part, b: Part) => compareElements(a.element, b.element);
