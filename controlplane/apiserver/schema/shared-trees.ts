import type { FieldTree } from "./field-set.ts";

/** With its JSON. */
const shared = new WeakMap<object, string>();

/** Makes the tree one that many objects may hold: nobody can change it any more. */
export function shareTree(tree: FieldTree): FieldTree {
  frozen(tree);
  shared.set(tree, JSON.stringify(tree));
  return tree;
}

/** Such a tree is what its JSON reads as, and has no numbers in it: nobody need look. */
export function isSharedTree(value: object): boolean {
  return shared.has(value);
}

/** Its JSON, which is made once. */
export function sharedTreeText(tree: object): string {
  return shared.get(tree) ?? JSON.stringify(tree);
}

function frozen(tree: FieldTree): void {
  for (const below of Object.values(tree)) frozen(below);
  Object.freeze(tree);
}
