import { deferred } from "../../../base/deferred.ts";
import { unlessAborted } from "../../../base/unless-aborted.ts";
import { isNotFound } from "../../../client/api-error.ts";
import { apiVersionOf, resources } from "../../../client/resources.ts";
import type { KubeObject, Resource } from "../../../client/types.ts";
import type { WorkQueue } from "../../../client/work-queue.ts";
import type { Controller, ControllerContext } from "../controller.ts";
import type { ServedResource } from "../discovery.ts";
import { type GraphNode, OwnerGraph } from "./owner-graph.ts";
import { lookUp, ownerStates } from "./owner-state.ts";
import { type GarbageAction, planItem } from "./plan-item.ts";
import { ServedKinds } from "./served-kinds.ts";

/** What cannot be listed for so long, an aggregated server that is away, is not waited for (Kubernetes' initial sync timeout). */
const firstListsMs = 30_000;

/** Kinds of which other controllers hold whole objects anyway. */
const shared: ReadonlyMap<string, Resource<KubeObject>> = new Map(
  [
    resources.namespaces,
    resources.nodes,
    resources.leases,
    resources.pods,
    resources.services,
    resources.endpoints,
    resources.serviceaccounts,
    resources.replicationcontrollers,
    resources.endpointslices,
    resources.replicasets,
    resources.deployments,
    resources.daemonsets,
    resources.controllerrevisions,
    resources.jobs,
  ].map((resource) => [keyOfKind(resource), resource as Resource<unknown> as Resource<KubeObject>]),
);

export const garbageCollector: Controller = {
  name: "garbage-collector-controller",
  enabled: ({ collectsGarbage }) => collectsGarbage,
  workers: 5,
  setUp(context, queue) {
    const graph = new OwnerGraph((uid) => queue.add(uid));
    const parts: Parts = { context, graph, kinds: new ServedKinds(), ready: false };
    context.tasks.run("garbage collector's kinds", (signal) => followKinds(parts, queue, signal));
    return (uid) => sync(parts, uid);
  },
};

interface Parts {
  readonly context: ControllerContext;
  readonly graph: OwnerGraph;
  readonly kinds: ServedKinds;
  /** Every kind found first is in the graph. Before, an owner may be missing only because it was not yet listed. */
  ready: boolean;
}

/** Adds kinds to the graph as the server begins to serve them. */
async function followKinds(parts: Parts, queue: WorkQueue, signal: AbortSignal): Promise<void> {
  const { context, kinds } = parts;
  const followed = new Set<string>();
  /** An owner that went before its kind was followed has no event. */
  const lookAgain = () => {
    if (parts.ready) for (const uid of parts.graph.waiting()) queue.add(uid);
  };
  for await (const found of context.served.follow(signal)) {
    kinds.replace(found);
    const fresh = kinds.collectable().filter((resource) => !followed.has(keyOfKind(resource)));
    const lists = fresh.map((resource) => {
      followed.add(keyOfKind(resource));
      return follow(parts, resource).synced(signal);
    });
    // A kind that vanishes again, or cannot be listed, holds nothing up.
    for (const list of lists) list.then(lookAgain, () => undefined);
    if (parts.ready || lists.length === 0) continue;
    await firstLists(context, lists, signal);
    parts.ready = true;
    lookAgain();
  }
}

/** Resolves when all are there, or when they have had their time. */
async function firstLists(
  { clock }: ControllerContext,
  lists: readonly Promise<void>[],
  signal: AbortSignal,
): Promise<void> {
  const done = deferred<void>();
  Promise.all(lists).then(() => done.resolve(), done.reject);
  const cancel = clock.after(firstListsMs, () => done.resolve());
  try {
    await unlessAborted(done.promise, signal);
  } finally {
    cancel();
  }
}

function follow({ context, graph }: Parts, resource: ServedResource) {
  const whole = shared.get(keyOfKind(resource));
  const informer =
    whole === undefined
      ? context.metadataInformers.informer(plain(resource))
      : context.informers.informer(whole);
  const apiVersion = apiVersionOf(resource);
  const put = ({ metadata }: KubeObject) => graph.put({ apiVersion, kind: resource.kind, metadata });
  informer.subscribe({ onAdd: put, onUpdate: put, onDelete: ({ metadata }) => graph.remove(metadata.uid) });
  return informer;
}

/** Without the verbs, so that the factory sees the same kind whatever discovery says of it later. */
function plain({ group, version, kind, plural, namespaced }: ServedResource): Resource<KubeObject> {
  return { group, version, kind, plural, namespaced };
}

function keyOfKind(resource: Resource<unknown>): string {
  return `${resource.group}/${resource.plural}`;
}

async function sync(parts: Parts, uid: string): Promise<void> {
  const { graph, context, kinds } = parts;
  const node = graph.get(uid);
  if (node === undefined || !parts.ready) return;
  const lookup = { client: context.client, kinds };
  const live = await lookUp(lookup, node.address, uid);
  if (live === "unknown") return;
  if (live === "absent") {
    // A real node goes with its event; a virtual one has none, and what refers to it is judged now.
    if (graph.get(uid)?.virtual === true)
      for (const dependent of graph.dependents(uid)) await judge(parts, dependent);
    return;
  }
  if (graph.get(uid)?.virtual === true) return; // it exists: its event will come
  await judgeLive(parts, node, live);
}

async function judge(parts: Parts, node: GraphNode): Promise<void> {
  const live = await lookUp({ client: parts.context.client, kinds: parts.kinds }, node.address, node.uid);
  if (typeof live !== "string") await judgeLive(parts, node, live);
}

async function judgeLive(parts: Parts, node: GraphNode, live: KubeObject): Promise<void> {
  const { context, graph, kinds } = parts;
  const { ownerReferences = [], namespace } = live.metadata;
  const lookup = { client: context.client, kinds };
  const states = await ownerStates(lookup, ownerReferences, namespace);
  for (const step of planItem(live, states, graph.dependents(node.uid)))
    await carryOut(parts, { node, live }, step);
}

interface Item {
  readonly node: GraphNode;
  /** As the plan saw it; replaced by the server's answers as the plan is carried out. */
  live: KubeObject;
}

async function carryOut(parts: Parts, item: Item, step: GarbageAction): Promise<void> {
  const { context, kinds, graph } = parts;
  const { client, log } = context;
  const resource = kinds.find(item.node.address.apiVersion, item.node.address.kind);
  if (resource === undefined) return;
  const { metadata } = item.live;
  try {
    switch (step.action) {
      case "delete": {
        const { uid, resourceVersion } = metadata;
        log.info("deleting", {
          kind: resource.kind,
          namespace: metadata.namespace,
          name: metadata.name,
          policy: step.policy,
        });
        await client.delete(resource, metadata, {
          propagationPolicy: step.policy,
          preconditions: { uid, resourceVersion },
        });
        return;
      }
      case "setOwners":
        item.live = await patchMeta(client, resource, item.live, { ownerReferences: step.ownerReferences });
        return;
      case "removeFinalizer": {
        const finalizers = (metadata.finalizers ?? []).filter((one) => one !== step.finalizer);
        item.live = await patchMeta(client, resource, item.live, { finalizers });
        return;
      }
      case "orphanDependents":
        for (const uid of step.uids) await orphan(parts, uid, metadata.uid);
        return;
      case "look":
        for (const uid of step.uids) {
          const dependent = graph.get(uid);
          if (dependent !== undefined) await judge(parts, dependent);
        }
    }
  } catch (error) {
    if (isNotFound(error)) return;
    throw error;
  }
}

/** Takes the owner out of a dependent's references. */
async function orphan({ context, kinds, graph }: Parts, uid: string, owner: string): Promise<void> {
  const node = graph.get(uid);
  const resource = node && kinds.find(node.address.apiVersion, node.address.kind);
  if (node === undefined || resource === undefined) return;
  const live = await lookUp({ client: context.client, kinds }, node.address, uid);
  if (typeof live === "string") return;
  const ownerReferences = (live.metadata.ownerReferences ?? []).filter(
    (reference) => reference.uid !== owner,
  );
  if (ownerReferences.length === (live.metadata.ownerReferences ?? []).length) return;
  await patchMeta(context.client, resource, live, { ownerReferences });
}

/** A change somebody else made in between makes it a conflict, and the item is looked at again. */
async function patchMeta(
  client: ControllerContext["client"],
  resource: Resource<KubeObject>,
  live: KubeObject,
  change: object,
): Promise<KubeObject> {
  const { uid, resourceVersion, name, namespace } = live.metadata;
  const body = { metadata: { ...change, uid, resourceVersion } };
  return client.patch(resource, { name, namespace }, body, { type: "merge" });
}
