import { ownField, setOwnField } from "../../../base/own-field.ts";
import { isObject } from "../json.ts";

/** RFC 7386, and as the library does that Kubernetes uses: what takes the place of something else than an object loses the nulls
 *  of objects in its lists too. Pure: neither argument is changed. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(target)) return withoutNulls(patch);
  if (!isObject(patch)) return patch;
  const merged = { ...target };
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name];
    else setOwnField(merged, name, mergePatch(ownField(merged, name), value));
  }
  return merged;
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isObject(value)) return value;
  const given = Object.entries(value).filter(([, one]) => one !== null);
  return Object.fromEntries(given.map(([name, one]) => [name, withoutNulls(one)]));
}
