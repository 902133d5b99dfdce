import { type Gateway, gatewayResources, type HttpRoute } from "../gateway/gateway-types.ts";
import type { Condition } from "../types.ts";
import { tlsFindings } from "./certificate-findings.ts";
import type { Facts } from "./facts.ts";
import { type Evidence, type Finding, finding, type Named, stands, wordsOf } from "./finding.ts";
import { backendFindings } from "./ingresses.ts";

const isBad = ({ type, status }: Condition): boolean =>
  ["Accepted", "Programmed", "ResolvedRefs", "PartiallyInvalid"].includes(type) &&
  status === (type === "PartiallyInvalid" ? "True" : "False");

const conditionEvidence = (object: Named, { type, reason, message }: Condition, at: string): Evidence =>
  stands(object, `${at}.conditions[${type}]`, `${reason ?? ""}: ${message ?? ""}`);

export function explainRoute(route: HttpRoute, facts: Facts): readonly Finding[] {
  const { namespace = "" } = route.metadata;
  const found: Finding[] = [];
  for (const { name, namespace: of = namespace, kind = "Gateway" } of route.spec.parentRefs ?? []) {
    if (kind !== "Gateway") continue;
    const gateway = facts.find(gatewayResources.gateways, { name, namespace: of });
    if (gateway === null)
      found.push(
        finding("gateway-missing", route, `its Gateway is missing: there is no Gateway ${name} in ${of}`, {
          evidence: [stands(route, "spec.parentRefs", `Gateway ${of}/${name}`)],
          change: [`the Gateway ${name}, or a parent that is there`],
          next: ["kubectl get gateways -A"],
        }),
      );
  }
  for (const [index, { backendRefs = [] }] of (route.spec.rules ?? []).entries())
    for (const { kind = "Service", name, namespace: of = namespace, port } of backendRefs)
      if (kind === "Service")
        found.push(
          ...backendFindings(
            route,
            {
              service: name,
              namespace: of,
              port: { number: port },
              field: `spec.rules[${index}].backendRefs`,
            },
            facts,
          ),
        );
  const bad = (route.status?.parents ?? []).flatMap(({ conditions, parentRef }) =>
    conditions.filter(isBad).map((condition) => ({ condition, parent: parentRef.name })),
  );
  const isSaid = found.length > 0;
  for (const { condition, parent } of bad.slice(0, 3))
    if (!isSaid)
      found.push(
        finding(
          "route-refused",
          route,
          `the Gateway ${parent} does not take it: ${condition.message ?? condition.reason ?? ""}`,
          {
            evidence: [conditionEvidence(route, condition, `status.parents[${parent}]`)],
            next: [`kubectl describe ${wordsOf(route)}`],
          },
        ),
      );
  return found;
}

export function explainGateway(gateway: Gateway, facts: Facts): readonly Finding[] {
  const { namespace = "" } = gateway.metadata;
  const { gatewayClassName, listeners = [] } = gateway.spec;
  const next = ["kubectl get gatewayclasses", `kubectl describe ${wordsOf(gateway)}`];
  if (facts.find(gatewayResources.gatewayclasses, { name: gatewayClassName }) === null)
    return [
      finding("ingress-class", gateway, `nobody serves it: there is no gateway class ${gatewayClassName}`, {
        evidence: [stands(gateway, "spec.gatewayClassName", gatewayClassName)],
        change: ["the class, with its controller, or another"],
        next,
      }),
    ];
  const found = listeners.flatMap(({ name, hostname, tls }) =>
    (tls?.certificateRefs ?? []).flatMap((ref) =>
      (ref.kind ?? "Secret") === "Secret"
        ? tlsFindings(
            gateway,
            {
              name: ref.name,
              namespace: ref.namespace ?? namespace,
              field: `spec.listeners[${name}].tls`,
              hosts: hostname && !hostname.startsWith("*") ? [hostname] : [],
            },
            facts,
          )
        : [],
    ),
  );
  const bad = [
    ...(gateway.status?.conditions ?? []).map((condition) => ({ condition, at: "status" })),
    ...(gateway.status?.listeners ?? []).flatMap(({ name, conditions }) =>
      conditions.map((condition) => ({ condition, at: `status.listeners[${name}]` })),
    ),
  ].filter(({ condition }) => isBad(condition));
  if (found.length === 0)
    for (const { condition, at } of bad.slice(0, 3))
      found.push(
        finding(
          "route-refused",
          gateway,
          `it is not served as it says: ${condition.message ?? condition.reason ?? ""}`,
          {
            evidence: [conditionEvidence(gateway, condition, at)],
            next,
          },
        ),
      );
  return found;
}
