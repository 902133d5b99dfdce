import { dns1123Subdomain } from "../../../client/rules/names.ts";
import type { FieldError } from "../registry/kind.ts";
import { invalid, required, tooLong } from "./field-errors.ts";

const driverBytesMax = 63;

/** A CSI driver's name, in whichever case it is written. */
export function csiDriverName(name: string | undefined, field: string): readonly FieldError[] {
  if (!name) return [required(field)];
  return [
    ...(name.length > driverBytesMax ? [tooLong(field, driverBytesMax)] : []),
    ...dns1123Subdomain(name.toLowerCase()).map((text) => invalid(field, name, text)),
  ];
}
