/** Equal as JSON values; absent, null, and the empty list or map are the same, as in Kubernetes' semantic equality. */
export function sameValue(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (isEmpty(a) || isEmpty(b)) return isEmpty(a) && isEmpty(b);
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((one, index) => sameValue(one, b[index]));
  }
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  return everyField(a, b, sameValue);
}

/** Does it hold for what each name is on both sides, `undefined` where one lacks it? Makes nothing on the way: most of what
 *  a write does not change is looked at so. Pure. */
export function everyField(a: object, b: object, holds: (left: unknown, right: unknown) => boolean): boolean {
  const [left, right] = [a as Json, b as Json];
  // Not what every object inherits: `constructor` is a label like others.
  for (const name in left)
    if (!holds(left[name], Object.hasOwn(right, name) ? right[name] : undefined)) return false;
  for (const name in right) if (!Object.hasOwn(left, name) && !holds(undefined, right[name])) return false;
  return true;
}

type Json = Readonly<Record<string, unknown>>;

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (typeof value !== "object") return false;
  return Array.isArray(value) ? value.length === 0 : false;
}
