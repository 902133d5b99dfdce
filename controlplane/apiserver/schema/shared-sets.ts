import { type FieldSet, type FieldTree, setToTree } from "./field-set.ts";
import { shareTree } from "./shared-trees.ts";

/** Sets whose trees are remembered; and the longest, so that they take no more than some megabytes. */
const setsMax = 256;
const setCharactersMax = 16_384;

const known = new Map<string, FieldTree>();

/** What `setToTree` makes of a set, made once for all sets of the same members in the same order: who reports on the pods of a
 *  workload sets the same fields of each. Nobody can change what is returned. */
export function sharedTreeOf(set: FieldSet): FieldTree {
  let text = "";
  // With its length, so that no member looks like two.
  for (const key of set.keys()) text += `${key.length} ${key}`;
  if (text.length > setCharactersMax) return setToTree(set);
  const before = known.get(text);
  if (before !== undefined) return before;
  const tree = shareTree(setToTree(set));
  // As with the shapes of new objects: those of many are soon back.
  if (known.size >= setsMax) known.clear();
  known.set(text, tree);
  return tree;
}
