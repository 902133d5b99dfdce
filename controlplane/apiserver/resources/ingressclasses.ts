import { dns1123Label, dns1123Subdomain, urlPath } from "../../../client/rules/names.ts";
import type { IngressClass } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { age, ageColumn, column } from "./cell-text.ts";
import { forbidden, immutable, invalid, notSupported, required, tooLong } from "./field-errors.ts";
import { validateReference } from "./ingress-validation.ts";
import { kindOf } from "./typed-kind.ts";

type Parameters = NonNullable<NonNullable<IngressClass["spec"]>["parameters"]>;

const defaultAnnotation = "ingressclass.kubernetes.io/is-default-class";
const controllerBytesMax = 250;
const scopes = ["Cluster", "Namespace"];

/** The class of ingresses that name none. */
export function isDefaultIngressClass({ metadata }: Pick<IngressClass, "metadata">): boolean {
  return metadata.annotations?.[defaultAnnotation] === "true";
}

export const ingressClasses = kindOf<IngressClass>({
  group: "networking.k8s.io",
  version: "v1",
  kind: "IngressClass",
  plural: "ingressclasses",
  singular: "ingressclass",
  shortNames: [],
  categories: [],
  namespaced: false,
  subresources: {},
  hasGeneration: true,
  nameRule: dns1123Subdomain,
  applyDefaults({ spec }) {
    if (spec?.parameters !== undefined) spec.parameters.scope ??= "Cluster";
  },
  validate: ({ spec = {} }, _facts, current) => [
    // Kubernetes looks at this first.
    ...(current === undefined
      ? []
      : immutable("spec.controller", spec.controller ?? "", current.spec?.controller ?? "")),
    ...validateController(spec.controller ?? "", "spec.controller"),
    ...(spec.parameters === undefined ? [] : validateParameters(spec.parameters, "spec.parameters")),
  ],
  columnsIncludeName: true,
  columns: [{ ...column("Name"), format: "name" }, column("Controller"), column("Parameters"), ageColumn],
  cells: (ingressClass, nowMs) => [
    `${ingressClass.metadata.name}${isDefaultIngressClass(ingressClass) ? " (default)" : ""}`,
    ingressClass.spec?.controller ?? "",
    parametersText(ingressClass.spec?.parameters),
    age(ingressClass.metadata.creationTimestamp, nowMs),
  ],
});

function validateController(controller: string, field: string): readonly FieldError[] {
  if (controller === "") return [required(field)];
  const slash = controller.indexOf("/");
  const [host, path] = [controller.slice(0, Math.max(slash, 0)), controller.slice(slash + 1)];
  const problems: FieldError[] = [];
  if (Buffer.byteLength(controller) > controllerBytesMax) problems.push(tooLong(field, controllerBytesMax));
  if (host === "" || path === "") {
    const text = 'must be a domain-prefixed path (such as "acme.io/foo")';
    return [...problems, invalid(field, controller, text)];
  }
  problems.push(...dns1123Subdomain(host).map((text) => invalid(field, host, text)));
  return [...problems, ...urlPath(path).map((text) => invalid(field, path, text))];
}

function validateParameters(parameters: Parameters, field: string): readonly FieldError[] {
  const { scope = "", namespace } = parameters;
  const at = `${field}.namespace`;
  const problems: FieldError[] = [...validateReference(parameters, field)];
  if (!scopes.includes(scope)) problems.push(notSupported(`${field}.scope`, scope, scopes));
  else if (scope === "Cluster") {
    if (namespace !== undefined) problems.push(forbidden(at, "`parameters.scope` is set to 'Cluster'"));
  } else if (namespace === undefined) problems.push(required(at, "`parameters.scope` is set to 'Namespace'"));
  else problems.push(...dns1123Label(namespace).map((text) => invalid(at, namespace, text)));
  return problems;
}

function parametersText(parameters: Parameters | undefined): string {
  if (parameters === undefined) return "<none>";
  const { apiGroup, kind, name } = parameters;
  return `${kind}${apiGroup === undefined ? "" : `.${apiGroup}`}/${name}`;
}
