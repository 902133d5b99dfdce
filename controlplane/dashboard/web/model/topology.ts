import type { Tone } from "../../../../client/rules/tone.ts";
import type { KubeObject } from "../api/object-feed.ts";
import { type Health, healthOf } from "./health.ts";

/** The way of a request: from where it comes in over services and what serves them to nodes. Pure. */

export type Layer = "entries" | "services" | "workloads" | "nodes";
export const layers: readonly Layer[] = ["entries", "services", "workloads", "nodes"];

export interface MapNode {
  readonly id: string;
  readonly layer: Layer;
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
  readonly health: Health;
  /** Beside its name: how many pods, which host. */
  readonly note: string;
}

export interface MapEdge {
  readonly from: string;
  readonly to: string;
  /** Pods of a workload that a service selects, or that are on a node. */
  readonly count: number;
}

export interface Topology {
  readonly nodes: readonly MapNode[];
  readonly edges: readonly MapEdge[];
  /** How many of a layer are left out. */
  readonly left: Readonly<Partial<Record<Layer, number>>>;
}

export interface MapSources {
  readonly ingresses: readonly KubeObject[];
  readonly gateways: readonly KubeObject[];
  readonly routes: readonly KubeObject[];
  readonly services: readonly KubeObject[];
  readonly pods: readonly KubeObject[];
  readonly replicaSets: readonly KubeObject[];
  readonly nodes: readonly KubeObject[];
}

export const layerMost = 40;

const idOf = (kind: string, namespace: string, name: string) => `${kind} ${namespace}/${name}`;
const listOf = <T>(value: unknown): readonly T[] => (Array.isArray(value) ? value : []);
const spaceOf = ({ metadata }: KubeObject) => metadata.namespace ?? "";

/** What stands where and leads where; of a layer at most `most`, those that are not well first. */
export function topologyOf(sources: MapSources, most: number = layerMost): Topology {
  const pods = sources.pods.filter(({ status }) => status?.phase !== "Succeeded");
  const workloads = workloadsOf(pods, sources.replicaSets);
  const edges = new Map<string, MapEdge>();
  const lead = (from: string, to: string, count = 1) => {
    const key = `${from}\n${to}`;
    const known = edges.get(key)?.count ?? 0;
    edges.set(key, { from, to, count: known + count });
  };
  const byNamespace = new Map<string, Workload[]>();
  for (const workload of workloads.values())
    byNamespace.set(workload.namespace, [...(byNamespace.get(workload.namespace) ?? []), workload]);
  const services = sources.services.map((service) =>
    serviceNode(service, byNamespace.get(spaceOf(service)) ?? [], lead),
  );
  const entries = [
    ...sources.ingresses.map((ingress) => entryNode(ingress, ingressBackends(ingress), lead)),
    ...routeNodes(sources, lead),
  ];
  const nodes = sources.nodes.map((node): MapNode => {
    const { name } = node.metadata;
    return {
      id: idOf("Node", "", name),
      layer: "nodes",
      kind: "Node",
      name,
      namespace: "",
      health: healthOf(node),
      note: "",
    };
  });
  for (const { id, pods: own } of workloads.values())
    for (const pod of own) if (pod.spec?.nodeName) lead(id, idOf("Node", "", String(pod.spec.nodeName)));
  const drawn = [...workloads.values()].map(workloadNode);
  return bounded([...entries, ...services, ...drawn, ...nodes], [...edges.values()], most);
}

interface Workload {
  readonly id: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
  readonly pods: KubeObject[];
}

/** Pods by what made them; a deployment's by the deployment, those that nobody made by themselves. */
function workloadsOf(pods: readonly KubeObject[], replicaSets: readonly KubeObject[]): Map<string, Workload> {
  const owners = new Map(replicaSets.map((one) => [one.metadata.uid ?? "", controllerOf(one)]));
  const found = new Map<string, Workload>();
  for (const pod of pods) {
    const own = controllerOf(pod);
    const { kind, name } = (own && owners.get(own.uid)) ?? own ?? { kind: "Pod", name: pod.metadata.name };
    const id = idOf(kind, spaceOf(pod), name);
    const workload = found.get(id) ?? { id, kind, name, namespace: spaceOf(pod), pods: [] };
    workload.pods.push(pod);
    found.set(id, workload);
  }
  return found;
}

const controllerOf = ({ metadata }: KubeObject) =>
  metadata.ownerReferences?.find(({ controller }) => controller);

function workloadNode({ id, kind, name, namespace, pods }: Workload): MapNode {
  const healths = pods.map(healthOf);
  const well = healths.filter(({ tone }) => tone === "good").length;
  const worst = (["bad", "warn", "busy"] as const).flatMap(
    (tone) => healths.find((one) => one.tone === tone) ?? [],
  )[0];
  const count = pods.length === 1 ? "1 pod" : `${pods.length} pods`;
  const note = well === pods.length ? `${count} ready` : `${well} of ${count} ready`;
  const health = worst ?? { tone: "good" as Tone, word: "" };
  return { id, layer: "workloads", kind, name, namespace, health, note };
}

/** Types of services that are reached from outside, or lead there. */
const outsideTypes: ReadonlySet<unknown> = new Set(["NodePort", "LoadBalancer", "ExternalName"]);

type Lead = (from: string, to: string, count?: number) => void;

function serviceNode(service: KubeObject, workloads: readonly Workload[], lead: Lead): MapNode {
  const { name } = service.metadata;
  const namespace = spaceOf(service);
  const id = idOf("Service", namespace, name);
  const selector = Object.entries((service.spec?.selector ?? {}) as Readonly<Record<string, string>>);
  let [selected, ready] = [0, 0];
  if (selector.length > 0)
    for (const { id: to, pods: own } of workloads) {
      const hit = own.filter(({ metadata }) =>
        selector.every(([key, value]) => metadata.labels?.[key] === value),
      );
      if (hit.length === 0) continue;
      selected += hit.length;
      ready += hit.filter((pod) => healthOf(pod).tone === "good").length;
      lead(id, to, hit.length);
    }
  const { type } = service.spec ?? {};
  const health: Health =
    selector.length === 0
      ? { tone: "quiet", word: type === "ExternalName" ? "leads elsewhere" : "no selector" }
      : ready > 0
        ? { tone: "good", word: "ready" }
        : { tone: "bad", word: selected === 0 ? "selects nothing" : "no pod ready" };
  return {
    id,
    layer: "services",
    kind: "Service",
    name,
    namespace,
    health,
    note: outsideTypes.has(type) ? String(type) : "",
  };
}

interface Backend {
  readonly namespace: string;
  readonly name: string;
}
interface RuleOf {
  readonly host?: string;
  readonly http?: { readonly paths?: readonly { readonly backend?: BackendOf }[] };
}
interface BackendOf {
  readonly service?: { readonly name?: string };
}

function ingressBackends(ingress: KubeObject): readonly Backend[] {
  const rules = listOf<RuleOf>(ingress.spec?.rules);
  const backends = [
    ingress.spec?.defaultBackend as BackendOf | undefined,
    ...rules.flatMap(({ http }) =>
      listOf<{ readonly backend?: BackendOf }>(http?.paths).map(({ backend }) => backend),
    ),
  ];
  return backends.flatMap((one) =>
    one?.service?.name ? [{ namespace: spaceOf(ingress), name: one.service.name }] : [],
  );
}

function entryNode(entry: KubeObject, backends: readonly Backend[], lead: Lead): MapNode {
  const { kind = "Ingress", metadata } = entry;
  const namespace = spaceOf(entry);
  const id = idOf(kind, namespace, metadata.name);
  for (const { namespace: at, name } of new Map(
    backends.map((one) => [`${one.namespace}/${one.name}`, one]),
  ).values())
    lead(id, idOf("Service", at, name));
  const hosts =
    kind === "Ingress"
      ? listOf<RuleOf>(entry.spec?.rules).flatMap(({ host }) => host ?? [])
      : listOf<string>(entry.spec?.hostnames);
  const [first = "any host", ...others] = [...new Set(hosts)];
  const note = others.length > 0 ? `${first} and ${others.length} more` : first;
  return { id, layer: "entries", kind, name: metadata.name, namespace, health: healthOf(entry), note };
}

interface RouteRule {
  readonly backendRefs?: readonly {
    readonly kind?: string;
    readonly name?: string;
    readonly namespace?: string;
  }[];
}

/** Routes lead to services; gateways stand beside them, as they lead to routes of the same layer. */
function routeNodes({ gateways, routes }: MapSources, lead: Lead): readonly MapNode[] {
  const drawn = routes.map((route) => {
    const backends = listOf<RouteRule>(route.spec?.rules).flatMap(({ backendRefs }) =>
      listOf<{ readonly kind?: string; readonly name?: string; readonly namespace?: string }>(
        backendRefs,
      ).flatMap(({ kind = "Service", name = "", namespace = spaceOf(route) }) =>
        kind === "Service" && name !== "" ? [{ namespace, name }] : [],
      ),
    );
    return entryNode(route, backends, lead);
  });
  return [...gateways.map((gateway) => entryNode(gateway, [], lead)), ...drawn];
}

const ranks: Readonly<Record<Tone, number>> = { bad: 0, warn: 1, busy: 2, good: 3, quiet: 4 };

function bounded(nodes: readonly MapNode[], edges: readonly MapEdge[], most: number): Topology {
  const left: Partial<Record<Layer, number>> = {};
  const kept = layers.flatMap((layer) => {
    const all = nodes
      .filter((one) => one.layer === layer)
      .sort(
        (a, b) =>
          ranks[a.health.tone] - ranks[b.health.tone] || a.id.localeCompare(b.id, "en", { numeric: true }),
      );
    if (all.length > most) left[layer] = all.length - most;
    return all.slice(0, most).sort((a, b) => a.id.localeCompare(b.id, "en", { numeric: true }));
  });
  const ids = new Set(kept.map(({ id }) => id));
  return { nodes: kept, edges: edges.filter(({ from, to }) => ids.has(from) && ids.has(to)), left };
}

/** All that leads to a node or is led to from it, itself included. */
export function connectedTo({ edges }: Pick<Topology, "edges">, id: string): ReadonlySet<string> {
  const found = new Set([id]);
  const walk = (at: string, isDown: boolean) => {
    for (const { from, to } of edges) {
      const next = isDown ? (from === at ? to : undefined) : to === at ? from : undefined;
      if (next === undefined || found.has(next)) continue;
      found.add(next);
      walk(next, isDown);
    }
  };
  walk(id, true);
  walk(id, false);
  return found;
}
