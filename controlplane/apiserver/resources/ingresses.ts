import { dns1123Subdomain } from "../../../client/rules/names.ts";
import type { Ingress } from "../../../client/types.ts";
import { age, ageColumn, column } from "./cell-text.ts";
import { invalid } from "./field-errors.ts";
import { validateIngressSpec, validateIngressStatus } from "./ingress-validation.ts";
import { keepStatus } from "./status.ts";
import { kindOf } from "./typed-kind.ts";

const classAnnotation = "kubernetes.io/ingress.class";
const hostsMax = 3;

export const ingresses = kindOf<Ingress>({
  group: "networking.k8s.io",
  version: "v1",
  kind: "Ingress",
  plural: "ingresses",
  singular: "ingress",
  shortNames: ["ing"],
  categories: [],
  namespaced: true,
  storagePrefix: "ingress",
  subresources: { status: true },
  hasGeneration: true,
  nameRule: dns1123Subdomain,
  applyDefaults(ingress) {
    ingress.status ??= {};
    ingress.status.loadBalancer ??= {};
  },
  prepareForCreate(ingress) {
    ingress.status = { loadBalancer: {} };
  },
  prepareForUpdate: keepStatus,
  validate: ({ spec }) => validateIngressSpec(spec, "spec"),
  validateCreate({ metadata, spec }) {
    const annotated = metadata.annotations?.[classAnnotation];
    const { ingressClassName: named } = spec;
    if (annotated === undefined || named === undefined || annotated === named) return [];
    const text = "must match `ingressClassName` when both are specified";
    return [invalid(`annotations.${classAnnotation}`, annotated, text)];
  },
  validateStatus: ({ status }) => validateIngressStatus(status, "status.loadBalancer.ingress"),
  columns: [column("Class"), column("Hosts"), column("Address"), column("Ports"), ageColumn],
  warnings: ({ metadata, spec }, current) =>
    current === undefined &&
    metadata.annotations?.[classAnnotation] !== undefined &&
    spec.ingressClassName === undefined
      ? [`annotation "${classAnnotation}" is deprecated, please use 'spec.ingressClassName' instead`]
      : [],
  cells: ({ metadata, spec, status }, nowMs) => [
    spec.ingressClassName ?? "<none>",
    hostsText((spec.rules ?? []).map(({ host }) => host ?? "")),
    addressesText(status?.loadBalancer?.ingress ?? []),
    (spec.tls ?? []).length > 0 ? "80, 443" : "80",
    age(metadata.creationTimestamp, nowMs),
  ],
});

function hostsText(hosts: readonly string[]): string {
  const shown: string[] = [];
  let more = false;
  for (const host of hosts) {
    if (shown.length === hostsMax) more = true;
    else if (host !== "") shown.push(host);
  }
  if (shown.length === 0) return "*";
  return more ? `${shown.join(",")} + ${hosts.length - hostsMax} more...` : shown.join(",");
}

function addressesText(points: readonly { readonly ip?: string; readonly hostname?: string }[]): string {
  const names = points.map(({ ip, hostname }) => ip || hostname || "").filter((one) => one !== "");
  return [...new Set(names)].sort().join(",");
}
