import type { Pod, Service } from "../types.ts";
import { hasReadyEndpoint, serviceLabel, slicesOf } from "./endpoints.ts";
import { isReadyPod } from "./explain-pod.ts";
import type { Facts } from "./facts.ts";
import { type Evidence, type Finding, finding, leadsTo, stands, wordsOf, worked } from "./finding.ts";
import { blockedPort } from "./network-policies.ts";
import { podFindings, selectedPods } from "./workloads.ts";

/** Services that are answered without anybody having made endpoints: the cluster's DNS, by each node where it is no pods, and the
 *  API, which whoever asks has reached. (A cluster inside a test publishes no endpoints as long as nobody listens.) */
const isAnsweredAnyway = ({ metadata: { namespace, name } }: Service): boolean =>
  (namespace === "kube-system" && name === "kube-dns") || (namespace === "default" && name === "kubernetes");

/** Why nobody answers for a Service. */
export function explainService(service: Service, facts: Facts): readonly Finding[] {
  const { spec, metadata } = service;
  if (spec === undefined || spec.type === "ExternalName") return [];
  const words = wordsOf(service);
  const slices = slicesOf(service, facts);
  if (spec.selector === undefined || Object.keys(spec.selector).length === 0) {
    if (slices === undefined || hasReadyEndpoint(slices) || isAnsweredAnyway(service)) return [];
    return [
      finding("service-no-endpoints", service, "it has no selector, and nobody has made endpoints for it", {
        evidence: [stands(service, "spec.selector", "(none)")],
        change: [`a selector, or an EndpointSlice with the label ${serviceLabel}: ${metadata.name}`],
        next: [`kubectl get endpointslices -n ${metadata.namespace} -l ${serviceLabel}=${metadata.name}`],
      }),
    ];
  }
  const pods = selectedPods(metadata.namespace ?? "", spec.selector, facts);
  if (pods === undefined) return [];
  const live = pods.filter(({ status }) => status?.phase !== "Succeeded" && status?.phase !== "Failed");
  if (live.length === 0) return [nothingSelected(service, pods, facts)];
  const next = [
    `kubectl get pods -n ${metadata.namespace} -l ${selectorWords(spec.selector)}`,
    `kubectl describe ${words}`,
  ];
  const names = portFindings(service, live);
  const isServed = slices !== undefined && hasReadyEndpoint(slices);
  const ready = live.filter(isReadyPod);
  if (names.length > 0 && names.some(({ severity }) => severity === "error")) return names;
  if (ready.length === 0 && !isServed && !spec.publishNotReadyAddresses) {
    const through = `none of the ${live.length} pods that it selects is ready`;
    const roots = podFindings(live, facts);
    if (roots.length > 0) return roots.map((root) => leadsTo(through, root));
    return [finding("service-not-ready", service, through, { next })];
  }
  const blocked = policyFindings(service, ready[0] ?? live[0], facts);
  return [...blocked, ...names, ...balancerFindings(service)];
}

const selectorWords = (selector: Readonly<Record<string, string>>): string =>
  Object.entries(selector)
    .map(([key, value]) => `${key}=${value}`)
    .join(",");

const nearShown = 3;

/** No pod has the labels; those that come near show which one is wrong. */
function nothingSelected(service: Service, ended: readonly Pod[], facts: Facts): Finding {
  const { namespace = "" } = service.metadata;
  const selector = service.spec?.selector ?? {};
  const all = selectedPods(namespace, {}, facts) ?? [];
  const keys = Object.keys(selector);
  const score = (pod: Pod) =>
    keys.filter((key) => pod.metadata.labels?.[key] === selector[key]).length * 2 +
    keys.filter((key) => pod.metadata.labels?.[key] !== undefined).length;
  const near = [...all].filter((pod) => score(pod) > 0).sort((a, b) => score(b) - score(a));
  const lines: readonly Evidence[] = near
    .slice(0, nearShown)
    .map((pod) => stands(pod, "metadata.labels", pod.metadata.labels ?? {}));
  const cause = `its selector ${selectorWords(selector)} matches none of ${all.length} pods in ${namespace}${ended.length > 0 ? " that still run" : ""}`;
  return finding("selector-matches-nothing", service, cause, {
    evidence: [stands(service, "spec.selector", selector), ...lines],
    change: ["the selector and the pods' labels agree, or pods with these labels are made"],
    next: [`kubectl get pods -n ${namespace} --show-labels`],
  });
}

/** Target ports that the pods do not have. */
function portFindings(service: Service, pods: readonly Pod[]): readonly Finding[] {
  const next = [`kubectl describe ${wordsOf(service)}`];
  return (service.spec?.ports ?? []).flatMap(({ port, name, targetPort, protocol = "TCP" }) => {
    const target = targetPort ?? port;
    const declared = (pod: Pod) => pod.spec.containers.flatMap((one) => one.ports ?? []);
    const shown = name ? `${name} (${port})` : String(port);
    if (typeof target === "string") {
      if (
        pods.some((pod) =>
          declared(pod).some((one) => one.name === target && (one.protocol ?? "TCP") === protocol),
        )
      )
        return [];
      const names = [
        ...new Set(pods.flatMap(declared).map((one) => `${one.name ?? "(no name)"} (${one.containerPort})`)),
      ];
      return [
        finding(
          "port-name",
          service,
          `its port ${shown} leads to a port named ${target}, which none of its ${pods.length} pods has`,
          {
            evidence: [
              stands(service, `spec.ports[${name ?? port}].targetPort`, target),
              worked(`its pods declare ${names.join(", ") || "no ports"}`),
            ],
            change: [`targetPort names one of the pods' ports, or a container's port is named ${target}`],
            next,
          },
        ),
      ];
    }
    const numbers = new Set(pods.flatMap(declared).map((one) => one.containerPort));
    if (numbers.size === 0 || numbers.has(target)) return [];
    return [
      finding(
        "port-number",
        service,
        `its port ${shown} leads to port ${target}, and its pods declare ${[...numbers].join(", ")}`,
        {
          evidence: [stands(service, `spec.ports[${name ?? port}].targetPort`, target)],
          change: ["targetPort is a port that the program listens on (declared ports are only a hint)"],
          next,
        },
      ),
    ];
  });
}

function policyFindings(service: Service, pod: Pod | undefined, facts: Facts): readonly Finding[] {
  if (pod === undefined) return [];
  const found = (service.spec?.ports ?? []).flatMap(({ port, targetPort, protocol = "TCP" }) => {
    const target = targetPort ?? port;
    const declared = pod.spec.containers.flatMap((one) => one.ports ?? []);
    const of = declared.find((one) =>
      typeof target === "string" ? one.name === target : one.containerPort === target,
    );
    const number = typeof target === "number" ? target : of?.containerPort;
    return blockedPort(pod, { protocol, number, name: of?.name }, String(number ?? target), facts) ?? [];
  });
  return found.slice(0, 1);
}

function balancerFindings(service: Service): readonly Finding[] {
  if (service.spec?.type !== "LoadBalancer" || (service.status?.loadBalancer?.ingress ?? []).length > 0)
    return [];
  const { loadBalancerClass } = service.spec;
  return [
    finding("load-balancer-pending", service, "it has no load balancer's address yet", {
      evidence: [
        stands(service, "status.loadBalancer", {}),
        ...(loadBalancerClass === undefined
          ? []
          : [stands(service, "spec.loadBalancerClass", loadBalancerClass)]),
      ],
      change: [
        "a controller for load balancers runs and gives it one; its node port and cluster IP work without",
      ],
      next: [`kubectl describe ${wordsOf(service)}`],
    }),
  ];
}
