import type { KubeObject } from "../../../client/types.ts";

/** The object that reading its encoding gives: the same parts under a metadata of its own, which ends with the revision as
 *  `decodeStored` sets it. Undefined where reading would give something else than what is there, such as no field for one that
 *  is undefined. Pure; takes no copy of what lies deeper, so nobody may change that any more. */
export function asParsed(object: KubeObject, modRevision: number): KubeObject | undefined {
  const { resourceVersion: _, ...metadata } = object.metadata;
  const parsed = { ...object, metadata: { ...metadata, resourceVersion: String(modRevision) } };
  return isPlain(parsed) ? parsed : undefined;
}

/** Is the value just what its JSON reads as? */
function isPlain(value: unknown): boolean {
  switch (typeof value) {
    case "string":
    case "boolean":
      return true;
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0);
    case "object":
      return value === null || (Array.isArray(value) ? isPlainList(value) : isPlainObject(value));
    default:
      return false;
  }
}

function isPlainList(list: readonly unknown[]): boolean {
  // A hole reads as null; it is undefined here.
  for (let at = 0; at < list.length; at++) if (!isPlain(list[at])) return false;
  return true;
}

function isPlainObject(object: object): boolean {
  if (Object.getPrototypeOf(object) !== Object.prototype) return false;
  for (const value of Object.values(object)) if (!isPlain(value)) return false;
  return true;
}
