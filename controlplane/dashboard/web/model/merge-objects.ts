import { isSameJson } from "../../../../base/same-json.ts";
import { type FieldPath, pathText } from "./field-path.ts";
import type { SchemaNode } from "./schema.ts";

/** What both changed, each in another way. Undefined: the field is not there. */
export interface Collision {
  /** As it is shown and chosen by: `spec.template.spec.containers[name=web].image`. */
  readonly at: string;
  readonly base: unknown;
  readonly mine: unknown;
  readonly theirs: unknown;
}
export type Side = "mine" | "theirs";

export interface Merged {
  /** With mine where sides collide and nobody chose. */
  readonly value: unknown;
  /** Those that nobody has chosen of. */
  readonly collisions: readonly Collision[];
  /** What they changed, in the words of paths. */
  readonly theirChanges: readonly string[];
}

export interface ThreeSides {
  /** What both began with. */
  readonly base: unknown;
  readonly mine: unknown;
  readonly theirs: unknown;
}

/** Merges what two sides made of one object: field by field, and items of lists by their keys where the schema names such. A list
 *  without keys is one value, as are objects that the schema calls atomic. Pure. */
export function mergeThree(
  sides: ThreeSides,
  schema: SchemaNode | undefined,
  chosen: ReadonlyMap<string, Side> = new Map(),
): Merged {
  const collisions: Collision[] = [];
  const theirChanges: string[] = [];
  const merge = ({ base, mine, theirs }: ThreeSides, node: SchemaNode | undefined, at: string): unknown => {
    if (isSameJson(base, theirs)) return mine;
    if (isSameJson(mine, theirs)) return mine;
    if (isObject(mine) && isObject(theirs) && (base === undefined || isObject(base)) && !node?.isAtomic) {
      const fields = mergedNames(Object.keys(mine), Object.keys(theirs));
      return fromEntries(
        fields.map((name) => [
          name,
          merge(fieldsOf({ base, mine, theirs }, name), node?.field(name), join(at, name)),
        ]),
      );
    }
    if (Array.isArray(mine) && Array.isArray(theirs) && (base === undefined || Array.isArray(base))) {
      const lists = { base: base ?? [], mine, theirs };
      if (node?.isSet) return mergedSet(lists, at);
      const merged = node?.mergeKeys && mergedByKey(lists, node, at);
      if (merged) return merged;
    }
    theirChanges.push(at);
    if (isSameJson(base, mine)) return theirs;
    const side = chosen.get(at);
    if (side === undefined) collisions.push({ at, base, mine, theirs });
    return side === "theirs" ? theirs : mine;
  };

  /** Undefined: items cannot be told apart by the keys. */
  const mergedByKey = (lists: Lists, node: SchemaNode, at: string): readonly unknown[] | undefined => {
    const item = node.item();
    const keyed = (list: readonly unknown[]) => byKey(list, node.mergeKeys ?? [], item);
    const [base, mine, theirs] = [keyed(lists.base), keyed(lists.mine), keyed(lists.theirs)];
    if (!base || !mine || !theirs) return undefined;
    return mergedNames([...mine.keys()], [...theirs.keys()])
      .map((key) =>
        merge({ base: base.get(key), mine: mine.get(key), theirs: theirs.get(key) }, item, `${at}[${key}]`),
      )
      .filter((value) => value !== undefined);
  };

  const mergedSet = ({ base, mine, theirs }: Lists, at: string): readonly unknown[] => {
    const has = (list: readonly unknown[], value: unknown) => list.some((one) => isSameJson(one, value));
    const kept = mine.filter((value) => has(theirs, value) || !has(base, value));
    theirChanges.push(at);
    return [...kept, ...theirs.filter((value) => !has(base, value) && !has(kept, value))];
  };

  return { value: merge(sides, schema, ""), collisions, theirChanges };
}

interface Lists {
  readonly base: readonly unknown[];
  readonly mine: readonly unknown[];
  readonly theirs: readonly unknown[];
}

function byKey(
  list: readonly unknown[],
  keys: readonly string[],
  item: SchemaNode,
): ReadonlyMap<string, unknown> | undefined {
  const found = new Map<string, unknown>();
  for (const value of list) {
    if (!isObject(value)) return undefined;
    const parts = keys.map((key) => {
      const part = value[key] ?? item.field(key)?.schema.default;
      return part === undefined ? "" : `${key}=${String(part)}`;
    });
    found.set(parts.filter(Boolean).join(","), value);
  }
  return found.size === list.length ? found : undefined;
}

/** Mine in their order; theirs that I do not have after what they stand behind. */
function mergedNames(mine: readonly string[], theirs: readonly string[]): readonly string[] {
  const names = [...mine];
  const known = new Set(mine);
  for (const [at, name] of theirs.entries()) {
    if (known.has(name)) continue;
    const before = theirs[at - 1];
    names.splice(before === undefined ? 0 : names.indexOf(before) + 1, 0, name);
    known.add(name);
  }
  return names;
}

const fieldsOf = ({ base, mine, theirs }: ThreeSides, name: string): ThreeSides => ({
  base: ownField(base, name),
  mine: ownField(mine, name),
  theirs: ownField(theirs, name),
});

const ownField = (value: unknown, name: string): unknown =>
  isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;

/** Without fields that are not there. A field may have any name. */
const fromEntries = (entries: readonly (readonly [string, unknown])[]): object =>
  Object.fromEntries(entries.filter(([, value]) => value !== undefined));

const join = (at: string, name: string): string => {
  const own = pathText([name]);
  return at === "" || own.startsWith("[") ? `${at}${own}` : `${at}.${own}`;
};

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Where two values differ, down to what is no object. Lists are one value. */
export function changedPaths(from: unknown, to: unknown, at: FieldPath = []): readonly FieldPath[] {
  if (isSameJson(from, to)) return [];
  if (!isObject(from) || !isObject(to)) return [at];
  return [...new Set([...Object.keys(from), ...Object.keys(to)])].flatMap((name) =>
    changedPaths(ownField(from, name), ownField(to, name), [...at, name]),
  );
}
