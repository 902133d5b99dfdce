import { compareElements } from "./element-order.ts";
import type { FieldTree, Path } from "./field-set.ts";

/** Sets of fields in the form in which they are stored: most writes touch few branches of them, and what they leave alone is
 *  shared. Trees are read-only and in Kubernetes' order. Pure. */

/** The empty set. Below others an empty tree is a member. */
export const noFields: FieldTree = Object.freeze({});

export function isEmptyTree(tree: FieldTree): boolean {
  for (const _ in tree) return false;
  return true;
}

/** The members of `tree` that are none of the other: `tree` itself where they have none in common. */
export function minusTree(tree: FieldTree, other: FieldTree): FieldTree {
  return minusPart(tree, other) ?? noFields;
}

/** The members of both: `tree` itself where it has all of the other. */
export function plusTree(tree: FieldTree, other: FieldTree): FieldTree {
  return isEmptyTree(tree) ? other : plusPart(tree, other, false);
}

export function hasField(tree: FieldTree, path: Path): boolean {
  let at: FieldTree | undefined = tree;
  for (const element of path) at = at?.[element];
  return at !== undefined && isMember(at);
}

/** Undefined where nothing is left. */
function minusPart(tree: FieldTree, other: FieldTree): FieldTree | undefined {
  if (isEmptyTree(tree)) return isMember(other) ? undefined : tree;
  const left: FieldTree = {};
  let [isSame, hasParts] = [true, false];
  for (const element in tree) {
    const part = tree[element] as FieldTree;
    const from = other[element];
    const kept = element === "." ? (isMember(other) ? undefined : part) : from ? minusPart(part, from) : part;
    if (kept !== part) isSame = false;
    if (kept === undefined) continue;
    left[element] = kept;
    if (element !== ".") hasParts = true;
  }
  if (isSame) return tree;
  if (hasParts) return left;
  return "." in left ? noFields : undefined;
}

/** @param isPart Of a set, rather than the whole of one. */
function plusPart(tree: FieldTree, other: FieldTree, isPart: boolean): FieldTree {
  const both: FieldTree = {};
  let isSame = !isPart || !isMember(other) || isMember(tree);
  for (const element in tree) {
    const part = tree[element] as FieldTree;
    const more = other[element];
    const sum = more === undefined || element === "." ? part : plusPart(part, more, true);
    if (sum !== part) isSame = false;
    both[element] = sum;
  }
  const added = Object.keys(other).filter((element) => !(element in both) && element !== ".");
  if (isSame && added.length === 0) return tree;
  for (const element of added) both[element] = other[element] as FieldTree;
  return inOrder(both, isPart && (isMember(tree) || isMember(other)));
}

function inOrder(parts: FieldTree, isMember: boolean): FieldTree {
  const { ".": _, ...others } = parts;
  const elements = Object.keys(others).sort(compareElements);
  const ordered: FieldTree = {};
  if (isMember && elements.length > 0) ordered["."] = noFields;
  for (const element of elements) ordered[element] = others[element] as FieldTree;
  return ordered;
}

/** Of what is part of a set. */
const isMember = (tree: FieldTree) => "." in tree || isEmptyTree(tree);
