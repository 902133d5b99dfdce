import { isNotFound } from "../../../client/api-error.ts";
import { keyOf } from "../../../client/object-cache.ts";
import { resources } from "../../../client/resources.ts";
import { evaluatorsFor } from "../../../client/rules/quota-kinds.ts";
import type { KubeObject, Resource, ResourceQuota } from "../../../client/types.ts";
import type { Controller, ControllerContext } from "../controller.ts";
import { canonicalJson } from "../template-hash.ts";
import { CountedKinds } from "./counted-kinds.ts";
import { planQuota } from "./plan-quota.ts";

/** A kind that a quota names and that vanished may be back before anybody saw that it was away. */
const unknownKindMs = 30_000;
/** API servers learn of new limits a moment later than others; what they admitted until then is counted once more. */
const newLimitsMs = 1_000;
const pageObjects = 500;

export const resourceQuotaController: Controller = {
  name: "resourcequota-controller",
  workers: 5,
  setUp(context, queue) {
    const quotas = context.informers.informer(resources.resourcequotas);
    const kinds = new CountedKinds(context, (evaluator, namespace) => {
      for (const quota of quotas.byNamespace(namespace))
        if (Object.keys(quota.spec.hard ?? {}).some((name) => evaluator.counts(name)))
          queue.add(keyOf(quota));
    });
    quotas.subscribe({
      onAdd: (quota) => queue.add(keyOf(quota)),
      // What is used changes with each write that is charged, and is right then.
      onUpdate: (next, before) => {
        if (
          canonicalJson([next.spec, next.status?.hard]) !== canonicalJson([before.spec, before.status?.hard])
        )
          queue.add(keyOf(next));
      },
    });
    /** Those that may name a kind which nobody serves. */
    const waiting = new Set<string>();
    context.served.onChange(() => {
      for (const key of waiting) queue.add(key);
    });
    return async (key, signal) => {
      const known = () => waiting.delete(key);
      // Before anybody looks, so that no change is missed.
      waiting.add(key);
      const quota = quotas.getByKey(key);
      if (quota !== undefined) return sync(context, { kinds, quota, signal, onAllKnown: known });
      known();
      return undefined;
    };
  },
};

interface Parts {
  readonly kinds: CountedKinds;
  readonly quota: ResourceQuota;
  readonly signal: AbortSignal;
  readonly onAllKnown: () => void;
}

/** The objects are listed after the quota was read, and the status is written only if nothing was charged meanwhile: so
 *  whatever was charged until then is among the objects. */
async function sync(context: ControllerContext, { kinds, quota: { metadata }, signal, onAllKnown }: Parts) {
  const { client, clock, config } = context;
  const { namespace, name } = metadata;
  const { items } = await client.list(resources.resourcequotas, { namespace, signal });
  const quota = items.find((one) => one.metadata.name === name);
  if (quota === undefined) return undefined;
  let allKnown = true;
  const counted = [];
  for (const evaluator of evaluatorsFor(Object.keys(quota.spec.hard ?? {}))) {
    const resource = await kinds.follow(evaluator, signal);
    const objects = resource && (await listAll(context, resource, namespace ?? "", signal));
    if (objects === undefined) allKnown = false;
    else counted.push({ evaluator, objects });
  }
  if (allKnown) onAllKnown();
  const plan = planQuota({ quota, counted, nowMs: clock.wallMs() });
  const isNew =
    plan.status !== undefined && canonicalJson(plan.status.hard) !== canonicalJson(quota.status?.hard);
  if (plan.status !== undefined) await writeStatus(context, { ...quota, status: plan.status });
  return {
    requeueAfterMs: Math.min(
      config.quotaSyncPeriodMs,
      plan.recheckInMs ?? Number.POSITIVE_INFINITY,
      allKnown ? Number.POSITIVE_INFINITY : unknownKindMs,
      isNew ? newLimitsMs : Number.POSITIVE_INFINITY,
    ),
  };
}

/** Undefined where the kind is served no more. */
async function listAll(
  { client }: ControllerContext,
  resource: Resource<KubeObject>,
  namespace: string,
  signal: AbortSignal,
): Promise<readonly KubeObject[] | undefined> {
  const all: KubeObject[] = [];
  let next: string | undefined;
  try {
    do {
      const page = await client.list(resource, { namespace, limit: pageObjects, continue: next, signal });
      all.push(...page.items);
      next = page.metadata.continue;
    } while (next);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
  return all;
}

async function writeStatus({ client }: ControllerContext, quota: ResourceQuota): Promise<void> {
  try {
    await client.updateStatus(resources.resourcequotas, quota);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
