import { type Amount, addAmounts, amountText, wholeAmount } from "../../../base/quantity-text.ts";
import { type AmountsByName, readAmounts, summed } from "../../../client/rules/pod-amounts.ts";
import {
  inScopes,
  type QuotaEvaluator,
  type QuotaWrite,
  scopesOf,
} from "../../../client/rules/quota-evaluator.ts";
import type { ResourceQuota } from "../../../client/types.ts";

/** What a write takes of the quotas of its namespace, in Kubernetes' words. Pure. */
export type Charge =
  /** Quotas that change, with what is used of them then. */
  | { readonly ok: true; readonly used: ReadonlyMap<ResourceQuota, AmountsByName> }
  | { readonly ok: false; readonly why: string };

export function charge(
  quotas: readonly ResourceQuota[],
  evaluator: QuotaEvaluator,
  write: QuotaWrite,
  nowMs: number,
): Charge {
  const { object, old, subresource } = write;
  const concerned: ResourceQuota[] = [];
  for (const quota of quotas) {
    if (!concerns(quota, evaluator, write.object)) continue;
    const limited = limitedNames(quota, evaluator);
    const unsaid = evaluator.unsaid?.(object, limited);
    if (unsaid !== undefined) return { ok: false, why: `failed quota: ${quota.metadata.name}: ${unsaid}` };
    if (limited.some((name) => quota.status?.used?.[name] === undefined))
      return {
        ok: false,
        why: `status unknown for quota: ${quota.metadata.name}, resources: ${limited.sort().join(",")}`,
      };
    concerned.push(quota);
  }
  if (concerned.length === 0) return { ok: true, used: new Map() };
  const usage = evaluator.usage(object, nowMs);
  const negative = [...usage].filter(([, { nanos }]) => nanos < 0n).map(([name]) => name);
  if (negative.length > 0)
    return { ok: false, why: `quota usage is negative for resource(s): ${negative.sort().join(",")}` };
  const before = old && evaluator.usage(old, nowMs);
  const used = new Map<ResourceQuota, AmountsByName>();
  for (const quota of concerned) {
    // What did not count against this one until now counts in full.
    const counted = before !== undefined && old !== undefined && concerns(quota, evaluator, old);
    const added = wanted(quota, counted ? increase(usage, before) : usage);
    if (added.size === 0) continue;
    const total = summed(readAmounts(quota.status?.used), added);
    const why = subresource === "status" ? undefined : exceeded(quota, added, total);
    if (why !== undefined) return { ok: false, why };
    used.set(quota, total);
  }
  return { ok: true, used };
}

/** Without the kind's scopes a quota with scopes concerns nothing of it. */
function concerns(quota: ResourceQuota, evaluator: QuotaEvaluator, object: QuotaWrite["object"]): boolean {
  return limitedNames(quota, evaluator).length > 0 && inScopes(evaluator, object, scopesOf(quota));
}

const limitedNames = ({ status }: ResourceQuota, evaluator: QuotaEvaluator) =>
  Object.keys(status?.hard ?? {}).filter((name) => evaluator.counts(name));

function increase(usage: AmountsByName, before: AmountsByName): AmountsByName {
  return new Map(
    [...usage].map(([name, amount]) => {
      const was = before.get(name) ?? wholeAmount(0);
      const more = addAmounts(amount, { nanos: -was.nanos, notation: was.notation });
      return [name, more.nanos > 0n ? more : wholeAmount(0)] as const;
    }),
  );
}

const wanted = ({ status }: ResourceQuota, usage: AmountsByName): AmountsByName =>
  new Map([...usage].filter(([name, { nanos }]) => nanos !== 0n && status?.hard?.[name] !== undefined));

function exceeded(
  { metadata, status }: ResourceQuota,
  added: AmountsByName,
  total: AmountsByName,
): string | undefined {
  const hard = readAmounts(status?.hard);
  const over = [...added.keys()].sort().filter((name) => {
    const [sum, limit] = [total.get(name), hard.get(name)];
    return sum !== undefined && limit !== undefined && sum.nanos > limit.nanos;
  });
  if (over.length === 0) return undefined;
  const shown = (amounts: AmountsByName) =>
    over.flatMap((name) => pair(name, amounts.get(name)) ?? []).join(",");
  const used = readAmounts(status?.used);
  return `exceeded quota: ${metadata.name}, requested: ${shown(added)}, used: ${shown(used)}, limited: ${shown(hard)}`;
}

const pair = (name: string, amount: Amount | undefined) => amount && `${name}=${amountText(amount)}`;

/** The amounts as they stand in a quota's status. */
export function amountTexts(amounts: AmountsByName): { [name: string]: string } {
  return Object.fromEntries([...amounts].map(([name, amount]) => [name, amountText(amount)]));
}
