import { parseExactJson } from "../../../base/exact-json.ts";
import type { KubeObject } from "../../../client/types.ts";
import { isSharedTree } from "../schema/shared-trees.ts";

/** The object that reading its encoding gives: the same parts under a metadata of its own, which ends with the revision as
 *  `decodeStored` sets it. Undefined where reading would give something else than what is there, such as no field for one that
 *  is undefined. Pure; takes no copy of what lies deeper, so nobody may change that any more. */
export function asParsed(object: KubeObject, modRevision: number): KubeObject | undefined {
  const { resourceVersion: _, ...metadata } = object.metadata;
  const parsed = { ...object, metadata: { ...metadata, resourceVersion: String(modRevision) } };
  return isPlain(parsed) ? parsed : undefined;
}

type Json = Readonly<Record<string, unknown>>;

/** Is the value just what its JSON reads as? */
function isPlain(value: unknown): boolean {
  switch (typeof value) {
    case "string":
    case "boolean":
      return true;
    case "number":
      return isPlainNumber(value);
    case "object":
      return value === null || (Array.isArray(value) ? isPlainList(value) : isPlainObject(value));
    default:
      return false;
  }
}

function isPlainNumber(value: number): boolean {
  if (!Number.isInteger(value)) return Number.isFinite(value);
  // One with an exponent may be written as digits, and those read as a whole number of 64 bits.
  return Number.isSafeInteger(value) ? !Object.is(value, -0) : parseExactJson(String(value)) === value;
}

function isPlainList(list: readonly unknown[]): boolean {
  // A hole reads as null; it is undefined here.
  for (let at = 0; at < list.length; at++) if (!isPlain(list[at])) return false;
  return true;
}

function isPlainObject(object: object): boolean {
  if (isSharedTree(object)) return true;
  if (Object.getPrototypeOf(object) !== Object.prototype) return false;
  for (const name in object) if (!isPlain((object as Json)[name])) return false;
  return true;
}
