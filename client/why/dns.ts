import { resources } from "../resources.ts";
import type { Pod } from "../types.ts";
import { hasReadyEndpoint, slicesOf } from "./endpoints.ts";
import type { Facts } from "./facts.ts";
import { type Evidence, type Finding, finding, stands, worked } from "./finding.ts";
import { dnsBlockers } from "./network-policies.ts";

const host = "([a-zA-Z0-9_](?:[-a-zA-Z0-9_.]{0,251}[a-zA-Z0-9_])?)";
/** How programs say that a name does not resolve: Go, Node.js, glibc, curl, Python, Java, nslookup. */
const patterns: readonly RegExp[] = [
  new RegExp(`lookup ${host}(?: on [^ ]{1,80})?: (?:no such host|server misbehaving|i/o timeout)`),
  new RegExp(`getaddrinfo (?:ENOTFOUND|EAI_AGAIN) ${host}`),
  new RegExp(`[Cc]ould not resolve host: ${host}`),
  new RegExp(`could not translate host name "${host}"`),
  new RegExp(`UnknownHostException: ${host}`),
  new RegExp(`(?:can't|cannot) (?:find|resolve) ['"]?${host}`),
  new RegExp(`bad address ['"]?${host}`),
  new RegExp(`${host}: (?:Name or service not known|Temporary failure in name resolution)`),
];

/** The name that lines say did not resolve. */
export function nameNotResolved(lines: readonly string[]): string | undefined {
  for (const line of [...lines].reverse())
    for (const pattern of patterns) {
      const found = pattern.exec(line.slice(0, 1000))?.[1];
      if (found !== undefined) return found;
    }
  return undefined;
}

interface Unresolved {
  readonly pod: Pod;
  readonly who: string;
  readonly host: string;
  readonly evidence: readonly Evidence[];
  readonly next: readonly string[];
}

/** Why the name is not known: there is no such Service, its pods may not ask, or DNS does not answer. */
export function unresolvedFinding({ pod, who, host, evidence, next }: Unresolved, facts: Facts): Finding {
  const namespace = pod.metadata.namespace ?? "";
  const [blocker] = dnsBlockers(pod, facts);
  if (blocker !== undefined)
    return finding(
      "policy-blocks-dns",
      blocker,
      `${who} fails: the network policy ${blocker.metadata.name} lets its pod ask no DNS`,
      {
        severity: "error",
        evidence: [
          worked(`it looked up ${host}`),
          stands(blocker, "spec.egress", "allows no port 53"),
          ...evidence,
        ],
        change: ["an egress rule for port 53, UDP and TCP"],
        next: [`kubectl describe networkpolicy ${blocker.metadata.name} -n ${namespace}`, ...next],
      },
    );
  const dns = facts.find(resources.services, { name: "kube-dns", namespace: "kube-system" });
  const slices = dns ? slicesOf(dns, facts) : undefined;
  // Without a selector it is the nodes that answer.
  if (dns?.spec?.selector !== undefined && slices !== undefined && !hasReadyEndpoint(slices))
    return finding(
      "dns-name",
      dns,
      `${who} fails: it looks up ${host}, and no pod of the cluster's DNS is ready`,
      {
        evidence: [stands(dns, "spec.selector", dns.spec.selector), ...evidence],
        change: ["the pods of the cluster's DNS are ready"],
        next: ["pintle why service/kube-dns -n kube-system", ...next],
      },
    );
  const [name = "", of = namespace, third] = host.split(".");
  const isNamespace = host.includes(".") ? facts.find(resources.namespaces, { name: of }) !== null : true;
  const isOfCluster = third === undefined ? isNamespace : third === "svc";
  const service = isOfCluster ? facts.find(resources.services, { name, namespace: of }) : undefined;
  const missing = service === null;
  return finding(
    "dns-name",
    pod,
    `${who} fails: it looks up ${host}, which DNS does not know${missing ? `: there is no Service ${name} in namespace ${of}` : ""}`,
    {
      evidence: [
        ...(third === undefined && !isNamespace ? [worked(`there is no namespace ${of}, either`)] : []),
        ...evidence,
        ...(missing ? similar(name, of, facts) : []),
      ],
      change: [
        missing
          ? `the name of a Service that is there, as NAME.NAMESPACE, or a Service ${name} in ${of}`
          : "the name is right, and DNS answers",
      ],
      next: [`kubectl get services -n ${isOfCluster ? of : namespace}`, ...next],
    },
  );
}

/** Services of that name elsewhere. */
function similar(name: string, namespace: string, facts: Facts): readonly Evidence[] {
  const there = (facts.list(resources.services) ?? []).filter(({ metadata }) => metadata.name === name);
  return there
    .filter(({ metadata }) => metadata.namespace !== namespace)
    .slice(0, 3)
    .map(({ metadata }) => worked(`there is one in another namespace: ${name}.${metadata.namespace}`));
}
