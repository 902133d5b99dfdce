import { unifiedDiff } from "../../../base/unified-diff.ts";
import type { FieldError } from "../registry/kind.ts";
import { GoForm } from "../schema/go-form.ts";
import { forbidden } from "./field-errors.ts";

/** A change that is not allowed, with the lines in which the value would differ. */
export function forbiddenChange(
  field: string,
  text: string,
  { goType, before, after }: { readonly goType: string; readonly before: unknown; readonly after: unknown },
): FieldError {
  const [old, next] = [before, after].map((value) => new GoForm(goType, value).lines());
  return forbidden(field, `${text}${unifiedDiff(old ?? "", next ?? "")}`);
}
