import type { FieldError } from "../registry/kind.ts";
import { forbidden, notSupported } from "./field-errors.ts";

/** What volumes and claims share: how a volume may be mounted, and of which class it is. */

/** Names the class in place of the field, as of old. */
export const betaClassAnnotation = "volume.beta.kubernetes.io/storage-class";

export const volumeModes = ["Block", "Filesystem"];

const shortForms = {
  ReadWriteOnce: "RWO",
  ReadOnlyMany: "ROX",
  ReadWriteMany: "RWX",
  ReadWriteOncePod: "RWOP",
} as const;
const known = Object.keys(shortForms).sort();

export function validateAccessModes(modes: readonly string[], field: string): readonly FieldError[] {
  const problems: FieldError[] = modes
    .filter((mode) => !known.includes(mode))
    .map((mode) => notSupported(field, mode, known));
  const others = modes.some((mode) => mode !== "ReadWriteOncePod" && known.includes(mode));
  if (modes.includes("ReadWriteOncePod") && others)
    problems.push(forbidden(field, "may not use ReadWriteOncePod with other access modes"));
  return problems;
}

export function accessModesText(modes: readonly string[] | undefined): string {
  const shown = Object.entries(shortForms).filter(([mode]) => modes?.includes(mode));
  return shown.map(([, short]) => short).join(",");
}
