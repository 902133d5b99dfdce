import type { Container } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { duplicate, invalid, notSupported, required } from "./field-errors.ts";

const resizable = ["cpu", "memory"];
const policies = ["NotRequired", "RestartContainer"];

/** `resizePolicy` of a container at `field`, in a pod of that restart policy. */
export function validateResizePolicy(
  { resizePolicy = [] }: Container,
  field: string,
  podPolicy: string | undefined,
): readonly FieldError[] {
  const seen = new Set<string>();
  return resizePolicy.flatMap(({ resourceName = "", restartPolicy = "" }, index) => {
    const problems: FieldError[] = [];
    if (seen.has(resourceName)) problems.push(duplicate(`${field}[${index}]`, resourceName));
    seen.add(resourceName);
    // Kubernetes leaves the index out from here on.
    if (resourceName === "") problems.push(required(field));
    else if (!resizable.includes(resourceName)) problems.push(notSupported(field, resourceName, resizable));
    if (restartPolicy === "") problems.push(required(field));
    else if (!policies.includes(restartPolicy)) problems.push(notSupported(field, restartPolicy, policies));
    if (podPolicy === "Never" && restartPolicy !== "NotRequired") {
      const text = "must be 'NotRequired' when pod `restartPolicy` is 'Never'";
      problems.push(invalid(field, restartPolicy, text));
    }
    return problems;
  });
}
