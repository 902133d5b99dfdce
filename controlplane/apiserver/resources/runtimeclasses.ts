import { dns1123Label, dns1123Subdomain } from "../../../client/rules/names.ts";
import type { RuntimeClass } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { age, ageColumn, column } from "./cell-text.ts";
import { validateResources } from "./container-resources.ts";
import { duplicate, immutable, invalid, required } from "./field-errors.ts";
import { validateLabels } from "./labels.ts";
import { nodeLabelWarning } from "./node-label-warnings.ts";
import { validateTolerations } from "./placement-validation.ts";
import { kindOf } from "./typed-kind.ts";

type Scheduling = NonNullable<RuntimeClass["scheduling"]>;

export const runtimeClasses = kindOf<RuntimeClass>({
  group: "node.k8s.io",
  version: "v1",
  kind: "RuntimeClass",
  plural: "runtimeclasses",
  singular: "runtimeclass",
  shortNames: [],
  categories: [],
  namespaced: false,
  needsVersion: true,
  createsOnUpdate: true,
  hasSpec: false,
  subresources: {},
  nameRule: dns1123Subdomain,
  applyDefaults: () => undefined,
  validate({ handler, overhead, scheduling }) {
    const problems: FieldError[] = handler
      ? dns1123Label(handler).map((text) => invalid("handler", handler, text))
      : [required("handler")];
    if (overhead !== undefined)
      problems.push(...validateResources({ limits: overhead.podFixed ?? {} }, "overhead", []));
    if (scheduling !== undefined) problems.push(...validateScheduling(scheduling, "scheduling"));
    return problems;
  },
  validateUpdate: (next, current) => immutable("handler", next.handler, current.handler),
  columns: [column("Handler"), ageColumn],
  warnings: ({ scheduling }) =>
    Object.keys(scheduling?.nodeSelector ?? {}).flatMap((key) => {
      const text = nodeLabelWarning(key);
      return text === undefined ? [] : [`scheduling.nodeSelector: ${text}`];
    }),
  cells: ({ metadata, handler }, nowMs) => [handler, age(metadata.creationTimestamp, nowMs)],
});

function validateScheduling({ nodeSelector, tolerations = [] }: Scheduling, field: string) {
  const at = `${field}.tolerations`;
  const problems: FieldError[] = [
    ...validateLabels(nodeSelector, `${field}.nodeSelector`),
    ...validateTolerations(tolerations, at),
  ];
  const seen = new Set<string>();
  tolerations.forEach((one, index) => {
    const { key = "", operator = "", value = "", effect = "", tolerationSeconds = null } = one;
    const identity = JSON.stringify([key, operator, value, effect]);
    // Shown as Kubernetes shows it: by the names of its own type.
    if (seen.has(identity))
      problems.push(
        duplicate(`${at}[${index}]`, {
          Key: key,
          Operator: operator,
          Value: value,
          Effect: effect,
          TolerationSeconds: tolerationSeconds,
        }),
      );
    seen.add(identity);
  });
  return problems;
}
