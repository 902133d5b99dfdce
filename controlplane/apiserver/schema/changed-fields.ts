import { type Comparison, type ComparisonSink, compareInto } from "./compare.ts";
import { compareElements } from "./element-order.ts";
import { type FieldTree, setToTree, unownedFields } from "./field-set.ts";
import { minusTree, noFields } from "./field-tree.ts";
import type { SchemaType } from "./load.ts";

type Json = Readonly<Record<string, unknown>>;
type Change = keyof Comparison;

/** What differs between two states of an object. */
export interface FieldChanges {
  /** Fields that have another value, or are new. */
  readonly given: FieldTree;
  /** The same and those that are gone. */
  readonly touched: FieldTree;
}
export const noChange: FieldChanges = { given: noFields, touched: noFields };

/** The same as the sets that `compareObjects` finds, but made at once in the form in which they are recorded. Pure.
 *  @param resets Paths like `f:status`: neither they nor what is below them count. */
export function changedFields(
  type: SchemaType,
  { before, after }: { readonly before: Json; readonly after: Json },
  resets: readonly string[],
): FieldChanges {
  const sink = new PartSink();
  compareInto(sink, type, before, after);
  for (const path of resets) drop(sink.root, path.split("\0"));
  const touched = treeOf(sink.root, () => true) ?? noFields;
  if (!sink.hasRemoved) return { given: touched, touched };
  return { given: treeOf(sink.root, (change) => change !== "removed") ?? noFields, touched };
}

/** What is nobody's. */
const unownedTree = setToTree(unownedFields);

/** The fields that whoever made the change owns from then on. Pure. */
export function ownedFields({ given }: FieldChanges): FieldTree {
  return minusTree(given, unownedTree);
}

interface Part {
  readonly element: string;
  change: Change | undefined;
  parts: Part[] | undefined;
}

class PartSink implements ComparisonSink {
  readonly root: Part = { element: "", change: undefined, parts: undefined };
  readonly #within: Part[] = [this.root];
  hasRemoved = false;

  enter(element: string): void {
    this.#within.push({ element, change: undefined, parts: undefined });
  }
  leave(): void {
    const part = this.#within.pop();
    if (part === undefined || (part.change === undefined && part.parts === undefined)) return;
    const above = this.#within[this.#within.length - 1] ?? this.root;
    if (above.parts === undefined) above.parts = [part];
    else above.parts.push(part);
  }
  note(change: Change): void {
    const part = this.#within[this.#within.length - 1];
    if (part !== undefined) part.change = change;
    if (change === "removed") this.hasRemoved = true;
  }
}

function drop(root: Part, path: readonly string[]): void {
  let above: Part | undefined = root;
  for (const element of path.slice(0, -1)) above = above?.parts?.find((part) => part.element === element);
  const last = path[path.length - 1];
  if (above?.parts !== undefined) above.parts = above.parts.filter(({ element }) => element !== last);
}

function treeOf({ change, parts = [] }: Part, counts: (change: Change) => boolean): FieldTree | undefined {
  const isMember = change !== undefined && counts(change);
  const tree: FieldTree = {};
  let isEmpty = true;
  for (const part of parts.sort(inOrder)) {
    const below = treeOf(part, counts);
    if (below === undefined) continue;
    if (isEmpty && isMember) tree["."] = {};
    isEmpty = false;
    tree[part.element] = below;
  }
  return isEmpty && !isMember ? undefined : tree;
}

const inOrder = (a: Part, b: Part) => compareElements(a.element, b.element);
