import {
  ApiException,
  CustomObjectsApi,
  EventsV1Api,
  type KubeConfig,
  type KubernetesObject,
  KubernetesObjectApi,
  PatchStrategy,
  setHeaderOptions,
  V1MicroTime,
} from "@kubernetes/client-node";
import { childrenOf, directoryLine, directoryManager } from "./children.ts";
import type { Caches } from "./informers.ts";
import {
  type Condition,
  fieldManager,
  group,
  plural,
  version,
  type Website,
  type WebsiteStatus,
  websiteLabel,
} from "./website.ts";

const finalizer = "operator.example/directory";

/** Makes the cluster look as a website says. Level triggered: it knows the key alone, looks at how things are, and does
 *  what is missing; it can be cut off anywhere and goes on from there. Everything is written by server-side apply. */
export class Reconciler {
  readonly #objects: KubernetesObjectApi;
  readonly #custom: CustomObjectsApi;
  readonly #events: EventsV1Api;
  readonly #identity: string;
  readonly #caches: Caches;

  constructor(config: KubeConfig, identity: string, caches: Caches) {
    this.#objects = KubernetesObjectApi.makeApiClient(config);
    this.#custom = config.makeApiClient(CustomObjectsApi);
    this.#events = config.makeApiClient(EventsV1Api);
    this.#identity = identity;
    this.#caches = caches;
  }

  async reconcile(key: string): Promise<void> {
    const [namespace = "", name = ""] = key.split("/");
    const website = this.#caches.websites.get(name, namespace);
    if (website === undefined) return;
    try {
      await (website.metadata.deletionTimestamp === undefined ? this.#make(website) : this.#unmake(website));
    } catch (error) {
      // It went, or changed, since the cache saw it: the watch tells of that, and calls again.
      if (error instanceof ApiException && error.code === 409 && isGone(error, website)) return;
      throw error;
    }
  }

  async #make(website: Website): Promise<void> {
    // First, so that nothing is made that would not be cleaned up.
    if (!website.metadata.finalizers?.includes(finalizer))
      await this.#apply(identityOf(website, { finalizers: [finalizer] }));
    for (const child of childrenOf(website)) await this.#apply(child);
    await this.#apply(directoryLine(website, website.spec.host), directoryManager(website));
    await this.#report(website);
  }

  async #unmake(website: Website): Promise<void> {
    if (!website.metadata.finalizers?.includes(finalizer)) return;
    await this.#apply(directoryLine(website, undefined), directoryManager(website));
    // What we no longer name, and nobody else owns, goes.
    await this.#apply(identityOf(website, {}));
  }

  async #apply(object: KubernetesObject, manager = fieldManager): Promise<void> {
    await this.#objects.patch(object, undefined, undefined, manager, true, PatchStrategy.ServerSideApply);
  }

  async #report(website: Website): Promise<void> {
    const { name, namespace, generation } = website.metadata;
    const deployment = this.#caches.deployments.get(name, namespace);
    const replicas = deployment?.status?.availableReplicas ?? 0;
    const wanted = deployment?.spec?.replicas;
    const ready = wanted !== undefined && replicas >= wanted;
    const before = website.status?.conditions?.find(({ type }) => type === "Ready");
    const changed = before?.status !== (ready ? "True" : "False");
    const condition: Condition = {
      type: "Ready",
      status: ready ? "True" : "False",
      reason: ready ? "Available" : "Progressing",
      message: `${replicas} of ${wanted ?? "?"} replicas are available`,
      observedGeneration: generation,
      lastTransitionTime: changed ? new Date().toISOString() : before.lastTransitionTime,
    };
    const status = {
      observedGeneration: generation,
      replicas,
      selector: `${websiteLabel}=${name}`,
      conditions: [condition],
    };
    if (isSame(website.status, status)) return;
    await this.#custom.patchNamespacedCustomObjectStatus(
      {
        ...{ group, version, plural, namespace, name, fieldManager, force: true },
        body: { ...identityOf(website, {}), status },
      },
      setHeaderOptions("Content-Type", PatchStrategy.ServerSideApply),
    );
    if (changed) await this.#tell(website, condition);
  }

  async #tell(website: Website, { reason, message }: Pick<Condition, "reason" | "message">): Promise<void> {
    const { name, namespace, uid, resourceVersion } = website.metadata;
    await this.#events.createNamespacedEvent({
      namespace,
      body: {
        metadata: { generateName: `${name}-`, namespace },
        eventTime: new V1MicroTime(),
        type: "Normal",
        reason,
        note: message,
        action: "Reconcile",
        reportingController: "operator.example/websites",
        reportingInstance: this.#identity,
        regarding: {
          apiVersion: website.apiVersion,
          kind: website.kind,
          name,
          namespace,
          ...(uid !== undefined && { uid }),
          ...(resourceVersion !== undefined && { resourceVersion }),
        },
      },
    });
  }
}

/** With the uid, so that what has gone in the meantime is not made anew, but refused. */
function identityOf({ apiVersion, kind, metadata: { name, namespace, uid } }: Website, more: object) {
  return { apiVersion, kind, metadata: { name, namespace, ...(uid !== undefined && { uid }), ...more } };
}

function isGone({ body }: ApiException<unknown>, { metadata }: Website): boolean {
  return String(body).includes(`${metadata.uid}`);
}

/** Unchanged status is not written: a write would wake us again. */
function isSame(before: WebsiteStatus | undefined, after: WebsiteStatus): boolean {
  return (
    before?.observedGeneration === after.observedGeneration &&
    before?.replicas === after.replicas &&
    before?.conditions?.[0]?.message === after.conditions?.[0]?.message &&
    before?.conditions?.[0]?.status === after.conditions?.[0]?.status
  );
}
