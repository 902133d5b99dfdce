import { pathSegment } from "../../../client/rules/names.ts";
import type { HorizontalPodAutoscaler } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { invalid, required } from "./field-errors.ts";

type Reference = HorizontalPodAutoscaler["spec"]["scaleTargetRef"];

interface Leniency {
  /** Whatever stands for a version. */
  readonly anyVersion?: boolean;
  /** A version without a group. */
  readonly coreGroup?: boolean;
}

/** What is wrong with a reference to an object that is scaled or measured. */
export function scaledObjectProblems(
  reference: Partial<Reference> | undefined,
  field: string,
  leniency: Leniency,
): readonly FieldError[] {
  const { kind = "", name = "", apiVersion = "" } = reference ?? {};
  const problems: FieldError[] = [...segment(kind, `${field}.kind`), ...segment(name, `${field}.name`)];
  const why = leniency.anyVersion ? undefined : versionProblem(apiVersion, leniency);
  if (why !== undefined) problems.push(invalid(`${field}.apiVersion`, apiVersion, why));
  return problems;
}

function segment(value: string, field: string): readonly FieldError[] {
  if (value === "") return [required(field)];
  return pathSegment(value).map((text) => invalid(field, value, text));
}

export function versionProblem(apiVersion: string, { coreGroup }: Leniency): string | undefined {
  const parts = apiVersion.split("/");
  if (parts.length > 2) return `unexpected GroupVersion string: ${apiVersion}`;
  return !coreGroup && (parts.length === 1 || parts[0] === "")
    ? "apiVersion must specify API group"
    : undefined;
}
