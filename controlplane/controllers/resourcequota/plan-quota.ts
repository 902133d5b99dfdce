import { amountText, wholeAmount } from "../../../base/quantity-text.ts";
import { type AmountsByName, readAmounts, summed } from "../../../client/rules/pod-amounts.ts";
import { inScopes, type QuotaEvaluator, scopesOf } from "../../../client/rules/quota-evaluator.ts";
import { podQuota, uncountedAtMs } from "../../../client/rules/quota-pods.ts";
import type { KubeObject, Pod, ResourceQuota } from "../../../client/types.ts";

export interface QuotaObserved {
  readonly quota: ResourceQuota;
  /** Every object of the quota's namespace, of each kind that uses up what it limits and could be listed. */
  readonly counted: readonly {
    readonly evaluator: QuotaEvaluator;
    readonly objects: readonly KubeObject[];
  }[];
  readonly nowMs: number;
}

export interface QuotaPlan {
  /** Absent: what stands there is right. */
  readonly status?: NonNullable<ResourceQuota["status"]>;
  /** When a pod that is being deleted will count no more, whatever becomes of it. */
  readonly recheckInMs?: number;
}

/** What is used of a quota, counted anew. Pure. */
export function planQuota({ quota, counted, nowMs }: QuotaObserved): QuotaPlan {
  const hard = readAmounts(quota.spec.hard);
  const scopes = scopesOf(quota);
  let usage: AmountsByName = new Map();
  let recheckAtMs = Number.POSITIVE_INFINITY;
  for (const { evaluator, objects } of counted) {
    const names = [...hard.keys()].filter((name) => evaluator.counts(name));
    let sum: AmountsByName = new Map(names.map((name) => [name, wholeAmount(0)]));
    for (const object of objects) {
      if (!inScopes(evaluator, object, scopes)) continue;
      sum = summed(sum, evaluator.usage(object, nowMs));
      const atMs = evaluator === podQuota ? (uncountedAtMs(object as Pod) ?? 0) : 0;
      if (atMs > nowMs) recheckAtMs = Math.min(recheckAtMs, atMs);
    }
    usage = summed(usage, sum);
  }
  // What could not be counted keeps what was known of it.
  const all = new Map([...readAmounts(quota.status?.used), ...usage]);
  const used = new Map([...all].filter(([name]) => hard.has(name)));
  const recheck = Number.isFinite(recheckAtMs) ? { recheckInMs: recheckAtMs - nowMs } : {};
  const { status } = quota;
  const known = status?.hard !== undefined && status.used !== undefined;
  if (known && same(readAmounts(status.hard), hard) && same(readAmounts(status.used), used)) return recheck;
  return { ...recheck, status: { hard: texts(hard), used: texts(used) } };
}

const same = (left: AmountsByName, right: AmountsByName) =>
  left.size === right.size && [...left].every(([name, { nanos }]) => right.get(name)?.nanos === nanos);

const texts = (amounts: AmountsByName) =>
  Object.fromEntries([...amounts].map(([name, amount]) => [name, amountText(amount)]));
