import { everyField } from "../schema/same-value.ts";
import { writtenForm } from "../schema/written-form.ts";
import { sameJson } from "./object-meta.ts";

/** Are the two one object as Kubernetes writes it? What its types always have is the same whether it is given as zero or left
 *  out. Pure. */
export function sameWritten(a: object, b: object): boolean {
  if (!differInZerosAtMost(a, b)) return false;
  return sameJson(a, b) || sameJson(writtenForm(a), writtenForm(b));
}

/** Nearly always there is a change of something else, which shows at once. */
function differInZerosAtMost(a: unknown, b: unknown): boolean {
  if (a === b || (isZero(a) && isZero(b))) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  return everyField(a, b, differInZerosAtMost);
}

function isZero(value: unknown): boolean {
  if (typeof value === "object" && value !== null) return Object.values(value).every(isZero);
  return value === undefined || value === null || value === 0 || value === "" || value === false;
}
