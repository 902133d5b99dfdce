import { isNotFound } from "../../../client/api-error.ts";
import type { Informer } from "../../../client/informer.ts";
import { keyOf, refOfKey } from "../../../client/object-cache.ts";
import { resources } from "../../../client/resources.ts";
import { claimFinalizer, knownClaimNames } from "../../../client/rules/resource-claims.ts";
import type { Pod, ResourceClaim, ResourceClaimTemplate } from "../../../client/types.ts";
import type { Controller, ControllerContext } from "../controller.ts";
import { controllerOf } from "../owners.ts";
import { asksAdminAccess, type ClaimMetrics, claimMetrics } from "./claim-metrics.ts";
import { planClaim, reservationsToAsk } from "./plan-claim.ts";
import { planPodClaims, unreserved } from "./plan-pod.ts";
import { isPodDone, podClaimAnnotation, usesClaims } from "./pod-claims.ts";

const fieldManager = "ResourceClaimController";
const claimIndex = "resource-claims";
const templateIndex = "resource-claim-templates";
/** Deleted pods that are remembered, so that nobody need ask for each; the oldest are forgotten. */
const goneMax = 1024;

const inNamespace = ({ metadata }: Pod, names: readonly string[]) =>
  names.map((name) => `${metadata.namespace}/${name}`);
const byClaim = (pod: Pod) => inNamespace(pod, knownClaimNames(pod));
const byTemplate = (pod: Pod) =>
  inNamespace(
    pod,
    (pod.spec.resourceClaims ?? []).flatMap(
      ({ resourceClaimTemplateName }) => resourceClaimTemplateName ?? [],
    ),
  );

export const resourceClaimController: Controller = {
  name: "resourceclaim-controller",
  workers: 50,
  setUp(context, queue) {
    const { informers } = context;
    const pods = informers.informer(resources.pods);
    const claims = informers.informer(resources.resourceclaims);
    const templates = informers.informer(resources.resourceclaimtemplates);
    pods.addIndex(claimIndex, byClaim);
    pods.addIndex(templateIndex, byTemplate);
    const syncer = new Syncer(context, { pods, claims, templates });
    const addClaims = (pod: Pod) => {
      for (const key of byClaim(pod)) queue.add(`claim:${key}`);
    };
    const addPod = (pod: Pod) => {
      if (!usesClaims(pod)) return;
      if (isPodDone(pod)) addClaims(pod);
      if (pod.metadata.deletionTimestamp === undefined) queue.add(`pod:${keyOf(pod)}`);
    };
    pods.subscribe({
      onAdd: addPod,
      onUpdate: addPod,
      onDelete: (pod) => {
        if (!usesClaims(pod)) return;
        syncer.gone(pod.metadata.uid);
        addClaims(pod);
      },
    });
    const addClaim = (claim: ResourceClaim) => {
      syncer.shown(claim);
      queue.add(`claim:${keyOf(claim)}`);
      for (const pod of pods.byIndex(claimIndex, keyOf(claim))) addPod(pod);
    };
    claims.subscribe({
      onAdd: addClaim,
      onUpdate: addClaim,
      onDelete: (claim) => {
        syncer.shown(claim);
        for (const pod of pods.byIndex(claimIndex, keyOf(claim))) addPod(pod);
      },
    });
    const addTemplate = (template: ResourceClaimTemplate) => {
      for (const pod of pods.byIndex(templateIndex, keyOf(template))) addPod(pod);
    };
    templates.subscribe({ onAdd: addTemplate, onUpdate: addTemplate });
    return async (key, signal) => {
      const at = key.indexOf(":");
      const object = key.slice(at + 1);
      if (key.slice(0, at) === "pod") await syncer.pod(object);
      else await syncer.claim(object, signal);
    };
  },
};

interface Caches {
  readonly pods: Informer<Pod>;
  readonly claims: Informer<ResourceClaim>;
  readonly templates: Informer<ResourceClaimTemplate>;
}

class Syncer {
  readonly #context: ControllerContext;
  readonly #caches: Caches;
  readonly #metrics: ClaimMetrics;
  readonly #gone = new Set<string>();
  /** Made, and perhaps not shown by the cache yet; by pod and claim of the pod. */
  readonly #made = new Map<string, string>();

  constructor(context: ControllerContext, caches: Caches) {
    this.#context = context;
    this.#caches = caches;
    this.#metrics = claimMetrics(context.meter);
    this.#metrics.count(() => caches.claims.list());
  }

  gone(uid: string): void {
    this.#gone.add(uid);
    for (const oldest of this.#gone) {
      if (this.#gone.size <= goneMax) break;
      this.#gone.delete(oldest);
    }
    for (const key of this.#made.keys()) if (key.startsWith(`${uid}/`)) this.#made.delete(key);
  }

  /** The cache shows it, or that it is gone. */
  shown(claim: ResourceClaim): void {
    const owner = controllerOf(claim);
    if (owner !== undefined)
      this.#made.delete(`${owner.uid}/${claim.metadata.annotations?.[podClaimAnnotation]}`);
  }

  async pod(key: string): Promise<void> {
    const { client, recorder } = this.#context;
    const { pods, claims, templates } = this.#caches;
    const pod = pods.getByKey(key);
    if (pod === undefined || pod.metadata.deletionTimestamp !== undefined) return;
    const { namespace = "", uid } = pod.metadata;
    const claim = (name: string) => claims.get({ namespace, name });
    const steps = planPodClaims({
      pod,
      claim,
      template: (name) => templates.get({ namespace, name }),
      owned: claims.byOwner(uid),
    });
    const names = new Map(
      (pod.status?.resourceClaimStatuses ?? []).map(({ name, resourceClaimName }) => [
        name,
        resourceClaimName,
      ]),
    );
    for (const one of steps)
      try {
        if (one.step === "fail") throw new Error(one.why);
        names.set(one.podClaim, one.step === "note" ? one.claimName : await this.#create(uid, one));
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        const message = `PodResourceClaim ${one.podClaim}: ${why}`;
        recorder.record(pod, { type: "Warning", reason: "FailedResourceClaimCreation", message });
        throw error;
      }
    if (steps.length > 0) await this.#writeNames(pod, names);
    for (const one of unreserved({ pod, claim })) {
      const reservation = { resource: "pods", name: pod.metadata.name, uid };
      const status = { ...one.status, reservedFor: [...(one.status?.reservedFor ?? []), reservation] };
      await client.updateStatus(resources.resourceclaims, { ...one, status });
    }
  }

  async #create(
    uid: string,
    { podClaim, draft }: Extract<ReturnType<typeof planPodClaims>[number], { step: "create" }>,
  ): Promise<string> {
    const key = `${uid}/${podClaim}`;
    const before = this.#made.get(key);
    if (before !== undefined) return before;
    const admin_access = String(asksAdminAccess(draft.spec));
    try {
      const { metadata } = await this.#context.client.create(resources.resourceclaims, draft);
      this.#metrics.created.inc({ status: "success", admin_access });
      // The cache may have been told before us.
      if (this.#caches.claims.get(metadata) === undefined) this.#made.set(key, metadata.name);
      return metadata.name;
    } catch (error) {
      this.#metrics.created.inc({ status: "failure", admin_access });
      throw error;
    }
  }

  /** All of them, as what an applied status does not name any more is taken out of it. */
  async #writeNames({ metadata }: Pod, names: ReadonlyMap<string, string | undefined>): Promise<void> {
    const { name, namespace = "" } = metadata;
    const resourceClaimStatuses = [...names].map(([podClaim, resourceClaimName]) => ({
      name: podClaim,
      ...(resourceClaimName !== undefined && { resourceClaimName }),
    }));
    const body = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, namespace },
      status: { resourceClaimStatuses },
    };
    await this.#context.client.patch(resources.pods, { name, namespace }, body, {
      type: "apply",
      subresource: "status",
      fieldManager,
      force: true,
    });
  }

  async claim(key: string, signal: AbortSignal): Promise<void> {
    const { client } = this.#context;
    const { pods, claims } = this.#caches;
    const claim = claims.getByKey(key);
    if (claim === undefined) return;
    const { namespace = "", name } = refOfKey(key);
    const seen = { claim, pod: (pod: string) => pods.get({ namespace, name: pod }), gone: this.#gone };
    const gone = new Set(this.#gone);
    for (const one of reservationsToAsk(seen))
      if (!(await this.#exists(namespace, one.name, one.uid, signal))) gone.add(one.uid);
    const plan = planClaim({ ...seen, gone });
    let current = claim;
    if (plan.status !== undefined)
      current = await client.updateStatus(resources.resourceclaims, { ...claim, status: plan.status });
    if (plan.dropsFinalizer) {
      const finalizers = (current.metadata.finalizers ?? []).filter((one) => one !== claimFinalizer);
      current = await client.update(resources.resourceclaims, {
        ...current,
        metadata: { ...current.metadata, finalizers },
      });
    }
    if (!plan.deletes) return;
    try {
      const { uid } = claim.metadata;
      await client.delete(resources.resourceclaims, { namespace, name }, { preconditions: { uid } });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async #exists(namespace: string, name: string, uid: string, signal: AbortSignal): Promise<boolean> {
    try {
      const { metadata } = await this.#context.client.get(resources.pods, { namespace, name }, { signal });
      return metadata.uid === uid;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }
}
