import type { KubeObject } from "../api/object-feed.ts";
import { amountOf, amountText } from "./amounts.ts";

/** How much of a quota is used. Pure. */
export interface QuotaLine {
  readonly namespace: string;
  readonly name: string;
  readonly resource: string;
  readonly share: number;
  readonly text: string;
}

/** Line by line, the fullest first. */
export function quotaLines(quotas: Iterable<KubeObject>): readonly QuotaLine[] {
  return [...quotas]
    .flatMap(({ metadata: { name, namespace = "" }, status }) => {
      const hard = (status?.hard ?? {}) as Readonly<Record<string, unknown>>;
      const used = (status?.used ?? {}) as Readonly<Record<string, unknown>>;
      return Object.keys(hard).map((resource): QuotaLine => {
        const [most, now] = [amountOf(hard[resource]), amountOf(used[resource])];
        const share = most === 0 ? (now > 0 ? 1 : 0) : now / most;
        const text = `${amountText(resource, now)} of ${amountText(resource, most)}`;
        return { namespace, name, resource, share, text };
      });
    })
    .sort((a, b) => b.share - a.share || a.namespace.localeCompare(b.namespace));
}
