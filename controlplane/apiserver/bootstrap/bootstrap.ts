import { type BackoffOptions, backoffMs } from "../../../base/backoff.ts";
import { type IpRange, nthAddress } from "../../../base/ip-range.ts";
import { sleep } from "../../../base/os/clock.ts";
import { systemNamespaces } from "../admission/namespace-lifecycle.ts";
import { keepAuthenticationConfig } from "../aggregation/authentication-config.ts";
import { ApiError } from "../api-error.ts";
import { noteTrackingBegins } from "../authentication/legacy-token-use.ts";
import { suggestedObjects } from "../flowcontrol/keep-suggested.ts";
import type { JsonObject } from "../json.ts";
import { toKubeObject } from "../json.ts";
import { createMissing, type NewObject } from "../registry/create-missing.ts";
import { createObject } from "../registry/create-object.ts";
import { type RegistryDeps, serverRequester } from "../registry/registry-deps.ts";
import { systemPriorityClasses } from "../resources/system-priority-classes.ts";
import { leaseEndpoint, publishEndpoints, tellPort, withdrawEndpoint } from "./api-endpoints.ts";
import type { ApiAddress, OwnAddress } from "./own-address.ts";
import { type BootstrapPolicy, ensureRbacPolicy } from "./rbac-policy.ts";
import { networking, readyServiceRange, repairAddresses, serviceRange } from "./service-addresses.ts";
import { together } from "./together.ts";

export interface BootstrapDeps {
  readonly registry: RegistryDeps;
  readonly address: OwnAddress;
  readonly clusterIps: readonly IpRange[];
  /** Absent: somebody else sees to the cluster's DNS. */
  readonly clusterDnsAddresses: readonly string[];
  /** What other API servers are told of users and front proxies. */
  readonly authenticationData: Readonly<Record<string, string>>;
  /** What roles there are for. */
  readonly policy: BootstrapPolicy;
  /** The default roles and bindings are there. */
  readonly onPolicy: () => Promise<void>;
  readonly onReady: () => void;
}

const retry: BackoffOptions = { firstMs: 50, mostMs: 5000 };
/** How often this server says that it lives, and looks who else does. */
const reconcileEveryMs = 10_000;
/** How often it looks whether each service's address has its object; Kubernetes' interval. */
const repairEveryMs = 180_000;

/** What every API server sees to: the system namespaces and priority classes, the default roles and bindings, the
 *  `kubernetes` Service, and its endpoints, which are the API servers that live. Several servers do the same at once; whoever
 *  comes second finds it done. */
export async function bootstrap(deps: BootstrapDeps, signal: AbortSignal): Promise<void> {
  const { registry } = deps;
  let failures = 0;
  let ready = false;
  let repairAtMs = 0;
  let toldPort: number | undefined;
  let leased: ApiAddress | undefined;
  while (!signal.aborted) {
    const { address, replaced, begins, tried } = deps.address.take();
    try {
      if (!ready) {
        await createEssentials(deps, address?.port);
        toldPort = address?.port;
      }
      if (address !== undefined) {
        begins();
        await leaseEndpoint(registry, address);
      }
      if (leased !== undefined && leased !== address) await withdrawEndpoint(registry, leased);
      else await publishEndpoints(registry);
      leased = address;
      if (address !== undefined && address.port !== toldPort) {
        await tellPort(registry, address.port);
        toldPort = address.port;
      }
      if (!ready) deps.onReady();
      if (registry.clock.monotonicMs() >= repairAtMs) {
        await repairAddresses(registry);
        repairAtMs = registry.clock.monotonicMs() + repairEveryMs;
      }
      ready = true;
      failures = 0;
    } catch (error) {
      if (signal.aborted) break;
      failures++;
      registry.log.warn("cannot see to what every cluster has", { error, failures });
    } finally {
      tried();
    }
    const waitMs = failures > 0 ? backoffMs(retry, failures, registry.random) : reconcileEveryMs;
    const ends = AbortSignal.any([signal, replaced]);
    await sleep(registry.clock, waitMs, ends).catch(() => undefined); // one ends the loop above, the other the wait
  }
  deps.address.gone();
  if (leased !== undefined)
    await withdrawEndpoint(registry, leased).catch((error: unknown) =>
      registry.log.warn("cannot withdraw this server's endpoint; it expires on its own", { error }),
    );
}

async function createEssentials(
  { registry, clusterIps, clusterDnsAddresses, authenticationData, policy, onPolicy }: BootstrapDeps,
  targetPort: number | undefined,
): Promise<void> {
  await createMissing(registry, [
    ...namespaces(registry),
    ...priorityClasses(registry),
    ...suggestedObjects(registry),
    ...newObject(registry, networking, "servicecidrs", serviceRange(clusterIps)),
  ]);
  // They need the namespaces only; each of their writes would wait for the disk alone.
  await together([
    ensureRbacPolicy(registry, policy).then(onPolicy),
    keepAuthenticationConfig(registry, authenticationData),
    noteTrackingBegins(registry),
    ensureServices(registry, { clusterIps, clusterDnsAddresses, targetPort }),
  ]);
}

async function ensureServices(
  registry: RegistryDeps,
  {
    clusterIps,
    clusterDnsAddresses,
    targetPort,
  }: Pick<BootstrapDeps, "clusterIps" | "clusterDnsAddresses"> & { readonly targetPort: number | undefined },
): Promise<void> {
  await readyServiceRange(registry, clusterIps);
  const [primary] = clusterIps;
  if (primary === undefined) throw new Error("there is no range of services' addresses");
  const kubernetes = ensureService(registry, {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      name: "kubernetes",
      namespace: "default",
      labels: { component: "apiserver", provider: "kubernetes" },
    },
    spec: {
      type: "ClusterIP",
      clusterIP: nthAddress(primary, 1),
      ports: [{ name: "https", port: 443, protocol: "TCP", targetPort }],
      ipFamilyPolicy: "SingleStack",
      sessionAffinity: "None",
    },
  });
  const dns =
    clusterDnsAddresses.length === 0 ? [] : [ensureService(registry, dnsService(clusterDnsAddresses))];
  await together([kubernetes, ...dns]);
}

function namespaces(registry: RegistryDeps): NewObject[] {
  return systemNamespaces.flatMap((name) =>
    newObject(registry, "", "namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name } }),
  );
}

function priorityClasses(registry: RegistryDeps): NewObject[] {
  const group = "scheduling.k8s.io";
  return systemPriorityClasses.flatMap(({ name, value, description }) => {
    const head = { apiVersion: `${group}/v1`, kind: "PriorityClass", metadata: { name } };
    return newObject(registry, group, "priorityclasses", { ...head, value, description });
  });
}

function newObject({ kinds }: RegistryDeps, group: string, plural: string, object: JsonObject): NewObject[] {
  const kind = kinds.named(group, plural)?.kind;
  return kind === undefined ? [] : [{ kind, object: toKubeObject(object) }];
}

/** Has neither selector nor endpoints: each node answers at these addresses itself. */
function dnsService(clusterIPs: readonly string[]): JsonObject {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      name: "kube-dns",
      namespace: "kube-system",
      labels: { "k8s-app": "kube-dns", "kubernetes.io/cluster-service": "true" },
    },
    spec: {
      type: "ClusterIP",
      clusterIP: clusterIPs[0],
      clusterIPs,
      ...(clusterIPs.length > 1 && { ipFamilyPolicy: "RequireDualStack" }),
      ports: [
        { name: "dns", port: 53, protocol: "UDP", targetPort: 53 },
        { name: "dns-tcp", port: 53, protocol: "TCP", targetPort: 53 },
      ],
      sessionAffinity: "None",
    },
  };
}

async function ensureService(registry: RegistryDeps, object: JsonObject): Promise<void> {
  const kind = registry.kinds.named("", "services")?.kind;
  if (kind === undefined) return;
  try {
    await createObject(registry, kind, toKubeObject(object), { dryRun: false, by: serverRequester });
  } catch (error) {
    if (!(error instanceof ApiError) || !isThere(error)) throw error;
  }
}

/** Somebody else made it: the name, or what the name is to hold, is taken. */
function isThere(error: ApiError): boolean {
  return (
    error.reason === "AlreadyExists" ||
    (error.reason === "Invalid" && error.message.includes("already allocated"))
  );
}
