import { amountText } from "../../../base/quantity-text.ts";
import { goDurationText } from "../../../client/rules/go-duration.ts";
import type { KubeObject, Pod } from "../../../client/types.ts";
import { notFound } from "../api-error.ts";
import type { Kind } from "../registry/kind.ts";
import { rfc3339 } from "../registry/object-meta.ts";
import { encodeStored, listPrefix, objectKey, StoredObject } from "../registry/stored-object.ts";
import type { NodeUsage, PodUsage, Usage } from "../resourcemetrics/read-summary.ts";
import { nodes as nodeKind } from "../resources/nodes.ts";
import { pods as podKind } from "../resources/pods.ts";
import { nodeMetrics, podMetrics, type ResourceUsage } from "../resources/resource-metrics.ts";
import type { Answer, Call, HandlerDeps } from "./call.ts";
import { listOptions, scopeOf } from "./list-options.ts";

/** GET of what nodes and pods use (metrics.k8s.io), in metrics-server's shapes and words: asked of the nodes concerned, who each
 *  speak for themselves and for the pods that are bound to them. What was not measured twice yet is left out. */

export async function getNodeMetrics(call: Call, deps: HandlerDeps): Promise<Answer> {
  const { name } = call.target;
  const node = (await deps.hub.cache(nodeKind)).get(objectKey(nodeKind, "", name))?.object;
  if (node === undefined) throw notFound({ group: "", plural: "node" }, name);
  const [found] = await metricsOfNodes([node], call, deps);
  if (found === undefined) throw notFound({ group: nodeMetrics.group, plural: "nodemetrics" }, name);
  return { type: "object", code: 200, object: found };
}

export async function listNodeMetrics(call: Call, deps: HandlerDeps): Promise<Answer> {
  const nodes = await selected(nodeKind, call, deps);
  return listOf(nodeMetrics, await metricsOfNodes(nodes, call, deps));
}

export async function getPodMetrics(call: Call, deps: HandlerDeps): Promise<Answer> {
  const { name, namespace } = call.target;
  const pod = (await deps.hub.cache(podKind)).get(objectKey(podKind, namespace, name))?.object;
  if (pod === undefined || !isRunning(pod)) throw notFound({ group: "", plural: "pods" }, name);
  const [found] = await metricsOfPods([pod], call, deps);
  if (found === undefined)
    throw notFound({ group: podMetrics.group, plural: "podmetrics" }, `${namespace}/${name}`);
  return { type: "object", code: 200, object: found };
}

export async function listPodMetrics(call: Call, deps: HandlerDeps): Promise<Answer> {
  const pods = (await selected(podKind, call, deps)).filter(isRunning);
  return listOf(podMetrics, await metricsOfPods(pods, call, deps));
}

/** The nodes or pods that the request is about, by name. */
async function selected(kind: Kind, call: Call, deps: HandlerDeps): Promise<readonly KubeObject[]> {
  listOptions(call.query, false);
  const scope = scopeOf(call.served, call.target, call.query);
  const cache = await deps.hub.cache(kind);
  const prefix = listPrefix(kind, call.target.namespace);
  return cache.select({ ...scope, prefix }).map(({ object }) => object);
}

async function metricsOfNodes(
  nodes: readonly KubeObject[],
  call: Call,
  deps: HandlerDeps,
): Promise<readonly KubeObject[]> {
  const usages = await deps.usages.of(nodes, call.cancellation.signal);
  return nodes.flatMap((node) => {
    const usage = usages.get(node.metadata.name)?.node;
    return usage === undefined
      ? []
      : [metricsObject(nodeMetrics, node, { measured: usage, usage: quantitiesOf(usage) }, deps)];
  });
}

async function metricsOfPods(
  pods: readonly KubeObject[],
  call: Call,
  deps: HandlerDeps,
): Promise<readonly KubeObject[]> {
  const cache = await deps.hub.cache(nodeKind);
  const names = new Set(pods.map((pod) => asPod(pod).spec.nodeName ?? ""));
  const nodes = [...names].flatMap((name) => cache.get(`${cache.prefix}${name}`)?.object ?? []);
  const usages = await deps.usages.of(nodes, call.cancellation.signal);
  return pods.flatMap((pod) => {
    const found = containersOf(asPod(pod), usages);
    if (found === undefined) return [];
    const [first] = [...found].sort(([, a], [, b]) => a.atMs - b.atMs);
    if (first === undefined) return [];
    const containers = found.map(([name, usage]) => ({ name, usage: quantitiesOf(usage) }));
    return [metricsObject(podMetrics, pod, { measured: first[1], containers }, deps)];
  });
}

/** Those of the pod's containers that its node speaks of, in the pod's order; undefined where one was not measured yet. */
function containersOf(
  pod: Pod,
  usages: ReadonlyMap<string, NodeUsage>,
): readonly (readonly [string, Usage])[] | undefined {
  const usage: PodUsage | undefined = usages.get(pod.spec.nodeName ?? "")?.pods.get(pod.metadata.uid);
  if (usage === undefined) return undefined;
  const { containers, initContainers = [], ephemeralContainers = [] } = pod.spec;
  const found: (readonly [string, Usage])[] = [];
  for (const { name } of [...containers, ...initContainers, ...ephemeralContainers]) {
    if (!usage.has(name)) continue;
    const measured = usage.get(name);
    if (measured === undefined) return undefined;
    found.push([name, measured]);
  }
  return found;
}

/** Metadata is that of whom is spoken of, without what only concerns the object in the store. */
function metricsObject(
  { group, version, kind }: Kind,
  { metadata: { name, namespace, labels } }: KubeObject,
  { measured, ...rest }: { readonly measured: Usage } & Readonly<Record<string, unknown>>,
  { clock }: HandlerDeps,
): KubeObject {
  const metadata = {
    name,
    ...(namespace !== undefined && { namespace }),
    creationTimestamp: rfc3339(clock.wallMs()),
    ...(labels !== undefined && { labels }),
  };
  // It was never made, so it has neither uid nor version.
  return {
    kind,
    apiVersion: `${group}/${version}`,
    metadata,
    timestamp: rfc3339(measured.atMs),
    window: goDurationText(measured.windowMs * 1e6),
    ...rest,
  } as unknown as KubeObject;
}

function quantitiesOf({ nanoCores, workingSetBytes }: Usage): ResourceUsage {
  return {
    cpu: amountText({ nanos: BigInt(nanoCores), notation: "decimal" }),
    memory: amountText({ nanos: BigInt(workingSetBytes) * 1_000_000_000n, notation: "binary" }),
  };
}

/** As lists take objects: nothing is stored. */
function listOf(kind: Kind, objects: readonly KubeObject[]): Answer {
  const items = objects.map((object) => {
    const key = objectKey(kind, object.metadata.namespace ?? "", object.metadata.name);
    return new StoredObject(kind, { key, value: encodeStored(object), modRevision: 0 }, object);
  });
  return { type: "list", list: { items, revision: 0, continue: "", remaining: undefined } };
}

const asPod = (pod: KubeObject) => pod as unknown as Pod;
const isRunning = (pod: KubeObject) => asPod(pod).status?.phase === "Running";
