import { clampedToSafe } from "../../../base/wire.ts";
import { parseInt64 } from "../../../client/rules/int64.ts";
import { badRequest } from "../api-error.ts";

/** 64-bit numbers that tell how to do something and are not stored: the nearest number that JavaScript can hold does the
 *  same. Pure. */

/** Of the query; undefined where it is not given: an empty one is, and is no number. Fails with BadRequest as Go's ParseInt words
 *  it. */
export function queryInt64(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const value = parseInt64(text);
  if (value !== undefined) return clampedToSafe(value);
  const isNumber = /^[+-]?\d+$/.test(text);
  throw badRequest(
    `strconv.ParseInt: parsing ${JSON.stringify(text)}: ${isNumber ? "value out of range" : "invalid syntax"}`,
  );
}

/** `gracePeriodSeconds` of DeleteOptions; undefined where the object's own shall hold. Fails with BadRequest. */
export function graceSecondsOf(value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined;
  // What JSON said may have been rounded by then, but not across the border of 2^63.
  if (typeof value !== "number" || !Number.isInteger(value) || Math.abs(value) > 2 ** 63) {
    const said =
      typeof value === "number" ? `number ${value}` : Array.isArray(value) ? "array" : typeof value;
    throw badRequest(
      `json: cannot unmarshal ${said} into Go struct field DeleteOptions.gracePeriodSeconds of type int64`,
    );
  }
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(value, Number.MAX_SAFE_INTEGER));
}
