import { sleep } from "../../../base/os/clock.ts";
import { isConflict, isNotFound } from "../../../client/api-error.ts";
import { resources } from "../../../client/resources.ts";
import type { KubeObject, Namespace } from "../../../client/types.ts";
import type { Controller, ControllerClient, ControllerContext } from "../controller.ts";
import { discover, type ServedResource } from "../discovery.ts";
import { isBeingDeleted } from "../owners.ts";
import { type Findings, planNamespace, podsFirst } from "./plan-namespace.ts";

const finalizer = "kubernetes";
const lookAgainMs = 2_000;
const pageObjects = 500;

export const namespaceController: Controller = {
  name: "namespace-controller",
  workers: 2,
  setUp(context, queue) {
    const namespaces = context.informers.informer(resources.namespaces);
    const pods = context.informers.informer(resources.pods);
    const enqueue = (namespace: Namespace) => {
      if (isBeingDeleted(namespace)) queue.add(namespace.metadata.name);
    };
    namespaces.subscribe({ onAdd: enqueue, onUpdate: enqueue });
    context.tasks.run("namespaces, whatever happened", async (until) => {
      for (;;) {
        await sleep(context.clock, context.config.namespaceSyncPeriodMs, until);
        namespaces.list().forEach(enqueue);
      }
    });
    pods.subscribe({
      onDelete: ({ metadata }) => {
        const namespace = namespaces.getByKey(metadata.namespace ?? "");
        // The last pod may have been what was waited for.
        if (namespace !== undefined && pods.byNamespace(namespace.metadata.name).length === 0)
          enqueue(namespace);
      },
    });
    return async (name, signal) => {
      const namespace = namespaces.getByKey(name);
      if (namespace === undefined || !isBeingDeleted(namespace)) return undefined;
      if (!(namespace.spec?.finalizers ?? []).includes(finalizer)) return undefined;
      return sync(context, namespace, signal);
    };
  },
};

async function sync(context: ControllerContext, cached: Namespace, signal: AbortSignal) {
  const { client, clock } = context;
  const { name, uid } = cached.metadata;
  let namespace: Namespace;
  try {
    namespace = await client.get(resources.namespaces, { name });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
  if (namespace.metadata.uid !== uid) return undefined;
  const plan = planNamespace(namespace, await removeContent(client, name, signal), clock.wallMs());
  if (plan.finalize) {
    await finalize(client, namespace);
    return undefined;
  }
  if (plan.conditions !== undefined)
    await client.updateStatus(resources.namespaces, {
      ...namespace,
      status: { ...namespace.status, conditions: [...plan.conditions] },
    });
  return { requeueAfterMs: lookAgainMs };
}

/** Deletes everything of every kind and reports what is still there. */
async function removeContent(
  client: ControllerClient,
  namespace: string,
  signal: AbortSignal,
): Promise<Findings> {
  const discovery = await discover(client, signal);
  const failures: string[] = [];
  const remaining = new Map<string, number>();
  const finalizers = new Map<string, number>();
  for (const resource of podsFirst(discovery.resources)) {
    const { verbs, namespaced } = resource;
    if (!namespaced || !verbs.includes("delete") || !verbs.includes("list")) continue;
    // With the dot even where the group is empty, as Kubernetes writes it.
    const name = `${resource.plural}.${resource.group}`;
    // What pods use stays until they are gone.
    if (name !== "pods." && (remaining.has("pods.") || failures.some((one) => one.startsWith("pods.: "))))
      break;
    try {
      const left = await removeKind(client, resource, namespace);
      if (left.length > 0) remaining.set(name, left.length);
      for (const one of left.flatMap(({ metadata }) => metadata.finalizers ?? []))
        finalizers.set(one, (finalizers.get(one) ?? 0) + 1);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      failures.push(`${name}: ${error.message}`);
    }
  }
  return {
    undiscovered: discovery.failures.map(({ groupVersion, message }) => `${groupVersion}: ${message}`),
    failures,
    remaining,
    finalizers,
  };
}

async function removeKind(
  client: ControllerClient,
  resource: ServedResource,
  namespace: string,
): Promise<readonly KubeObject[]> {
  const before = await client.list(resource, { namespace, limit: pageObjects });
  if (before.items.length === 0) return [];
  const background = { propagationPolicy: "Background" } as const;
  if (resource.verbs.includes("deletecollection"))
    await client.deleteCollection(resource, { namespace, ...background });
  else
    for (const { metadata } of before.items) {
      try {
        await client.delete(resource, metadata, background);
      } catch (error) {
        if (!isNotFound(error) && !isConflict(error)) throw error;
      }
    }
  const after = await client.list(resource, { namespace, limit: pageObjects });
  return after.items;
}

async function finalize(client: ControllerClient, namespace: Namespace): Promise<void> {
  const finalizers = (namespace.spec?.finalizers ?? []).filter((one) => one !== finalizer);
  const body = { ...namespace, apiVersion: "v1", kind: "Namespace", spec: { ...namespace.spec, finalizers } };
  try {
    await client.raw(
      "PUT",
      `/api/v1/namespaces/${encodeURIComponent(namespace.metadata.name)}/finalize`,
      body,
    );
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
