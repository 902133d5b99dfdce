import { resources } from "../resources.ts";
import { classOf } from "../rules/ingress-class.ts";
import type { Ingress, Service } from "../types.ts";
import { tlsFindings } from "./certificate-findings.ts";
import type { Facts } from "./facts.ts";
import { type Finding, finding, leadsTo, type Named, stands, wordsOf } from "./finding.ts";
import { explainService } from "./services.ts";

interface Backend {
  readonly service: string;
  readonly port: { readonly name?: string; readonly number?: number };
  readonly field: string;
}

function backendsOf({ spec }: Ingress): readonly Backend[] {
  const found: Backend[] = [];
  const fallback = spec?.defaultBackend?.service;
  if (fallback)
    found.push({ service: fallback.name, port: fallback.port ?? {}, field: "spec.defaultBackend" });
  for (const { host, http } of spec?.rules ?? [])
    for (const { path, backend } of http?.paths ?? [])
      if (backend.service)
        found.push({
          service: backend.service.name,
          port: backend.service.port ?? {},
          field: `spec.rules[${host ?? "*"}${path ?? "/"}]`,
        });
  return found;
}

const defaultClass = "ingressclass.kubernetes.io/is-default-class";

export function explainIngress(ingress: Ingress, facts: Facts): readonly Finding[] {
  const { namespace = "", name } = ingress.metadata;
  const found = [...classFindings(ingress, facts)];
  const seen = new Set<string>();
  for (const { service, port, field } of backendsOf(ingress)) {
    const key = `${service}/${port.name ?? port.number}`;
    if (seen.has(key)) continue;
    seen.add(key);
    found.push(...backendFindings(ingress, { service, namespace, port, field }, facts));
  }
  for (const { secretName, hosts = [] } of ingress.spec?.tls ?? [])
    if (secretName)
      found.push(
        ...tlsFindings(
          ingress,
          { name: secretName, namespace, field: `spec.tls[${secretName}]`, hosts },
          facts,
        ),
      );
  if (found.length === 0 && backendsOf(ingress).length === 0)
    return [
      finding("backend-missing", ingress, "it names no backend", {
        change: ["rules with a Service, or a defaultBackend"],
        next: [`kubectl edit ingress ${name} -n ${namespace}`],
      }),
    ];
  return found;
}

function classFindings(ingress: Ingress, facts: Facts): readonly Finding[] {
  const classes = facts.list(resources.ingressclasses);
  if (classes === undefined) return [];
  const wanted = classOf(ingress);
  const next = ["kubectl get ingressclasses", `kubectl describe ${wordsOf(ingress)}`];
  if (wanted === undefined) {
    if (classes.some(({ metadata }) => metadata.annotations?.[defaultClass] === "true")) return [];
    return [
      finding("ingress-class", ingress, "nobody serves it: it names no class, and there is no default one", {
        evidence: [stands(ingress, "spec.ingressClassName", "(none)")],
        change: [
          `spec.ingressClassName names one of ${classes.map(({ metadata }) => metadata.name).join(", ") || "no classes"}`,
        ],
        next,
      }),
    ];
  }
  if (
    classes.some(({ metadata }) => metadata.name === wanted) ||
    ingress.spec?.ingressClassName === undefined
  )
    return [];
  return [
    finding("ingress-class", ingress, `nobody serves it: there is no ingress class ${wanted}`, {
      evidence: [stands(ingress, "spec.ingressClassName", wanted)],
      change: [
        `the class ${wanted}, with its controller, or one of ${classes.map(({ metadata }) => metadata.name).join(", ") || "no classes"}`,
      ],
      next,
    }),
  ];
}

export interface BackendRef {
  readonly service: string;
  readonly namespace: string;
  readonly port: { readonly name?: string | undefined; readonly number?: number | undefined };
  readonly field: string;
}

/** What is wrong with a Service that an Ingress or a route leads to. */
export function backendFindings(
  user: Named,
  { service: name, namespace, port, field }: BackendRef,
  facts: Facts,
): readonly Finding[] {
  const service = facts.find(resources.services, { name, namespace });
  if (service === undefined) return [];
  const shown = port.name ?? port.number;
  if (service === null)
    return [
      finding(
        "backend-missing",
        user,
        `its backend is missing: there is no Service ${name} in ${namespace}`,
        {
          evidence: [stands(user, field, `Service ${name}, port ${shown}`)],
          change: [`a Service ${name}, or a backend that is there`],
          next: [`kubectl get services -n ${namespace}`],
        },
      ),
    ];
  if (shown !== undefined && !hasPort(service, port)) {
    const ports = (service.spec?.ports ?? [])
      .map((one) => (one.name ? `${one.name} (${one.port})` : one.port))
      .join(", ");
    return [
      finding(
        "backend-missing",
        user,
        `its backend's port is missing: the Service ${name} has ${ports || "no ports"}, not ${shown}`,
        {
          evidence: [
            stands(user, field, `Service ${name}, port ${shown}`),
            stands(service, "spec.ports", ports),
          ],
          change: ["the backend names a port of the Service"],
          next: [`kubectl describe ${wordsOf(service)}`],
        },
      ),
    ];
  }
  return explainService(service, facts)
    .filter(({ severity }) => severity === "error")
    .map((one) => leadsTo(`its backend, the Service ${name}`, one));
}

const hasPort = ({ spec }: Service, { name, number }: BackendRef["port"]): boolean =>
  (spec?.ports ?? []).some((one) => (name !== undefined ? one.name === name : one.port === number));
