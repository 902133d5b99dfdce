import type { FieldError } from "../registry/kind.ts";
import { invalid, required } from "../resources/field-errors.ts";
import type { Definition } from "./definition.ts";

/** Groups of the Kubernetes community want to be told where a kind in them was approved, or that it was not
 *  (apiextensions-apiserver's pkg/apihelpers). Pure. */

export const approvalAnnotation = "api-approved.kubernetes.io";

export function isProtectedGroup(group: string): boolean {
  return ["k8s.io", "kubernetes.io"].some((domain) => group === domain || group.endsWith(`.${domain}`));
}

export interface Approval {
  readonly state: "invalid" | "approved" | "bypassed" | "missing";
  readonly reason: string;
}

export function approvalOf({ metadata }: Definition): Approval {
  const annotation = metadata.annotations?.[approvalAnnotation] ?? "";
  const must = `protected groups must have approval annotation "${approvalAnnotation}"`;
  const see = "see https://github.com/kubernetes/enhancements/pull/1111";
  if (annotation === "") return { state: "missing", reason: `${must}, ${see}` };
  if (annotation.startsWith("unapproved"))
    return { state: "bypassed", reason: `not approved: ${JSON.stringify(annotation)}` };
  if (/^[a-z][a-z0-9+.-]*:\/\/[^/?\s]+/i.test(annotation) && URL.canParse(annotation))
    return { state: "approved", reason: `approved in ${annotation}` };
  return {
    state: "invalid",
    reason: `${must} with either a URL or a reason starting with "unapproved", ${see}`,
  };
}

/** What is stored without approval may stay so. */
export function approvalProblems(definition: Definition, old?: Definition): readonly FieldError[] {
  if (!isProtectedGroup(definition.spec.group)) return [];
  const { state, reason } = approvalOf(definition);
  if (old !== undefined && approvalOf(old).state === state) return [];
  const path = `metadata.annotations[${approvalAnnotation}]`;
  if (state === "missing") return [required(path, reason)];
  if (state === "invalid")
    return [invalid(path, definition.metadata.annotations?.[approvalAnnotation], reason)];
  return [];
}
