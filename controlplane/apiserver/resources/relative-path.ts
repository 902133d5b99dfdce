import type { FieldError } from "../registry/kind.ts";
import { invalid } from "./field-errors.ts";

/** A path below a volume: relative, and never up. */
export function descendingPath(path: string, field: string): readonly FieldError[] {
  return [
    ...(path.startsWith("/") ? [invalid(field, path, "must be a relative path")] : []),
    ...withoutBacksteps(path, field),
  ];
}

export function withoutBacksteps(path: string, field: string): readonly FieldError[] {
  return path.split("/").includes("..") ? [invalid(field, path, "must not contain '..'")] : [];
}

/** The same for a file of a payload: names that begin with two dots belong to whoever writes the volume. */
export function payloadPath(path: string, field: string): readonly FieldError[] {
  const reserved = path.startsWith("..") && !path.startsWith("../");
  return [
    ...descendingPath(path, field),
    ...(reserved ? [invalid(field, path, "must not start with '..'")] : []),
  ];
}
