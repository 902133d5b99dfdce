import { compareQuantities } from "../../../base/quantity.ts";
import { canonicalQuantity } from "../../../base/quantity-text.ts";
import type { ResourceQuota } from "../../../client/types.ts";

const named = ["cpu", "memory", "storage", "ephemeral-storage"] as const;

/** Of a new quota that lets more be requested than may be used. Pure. */
export function quotaWarnings({ spec }: ResourceQuota, current?: ResourceQuota): readonly string[] {
  const hard = spec.hard ?? {};
  if (current !== undefined) return [];
  return named.flatMap((resource) => {
    const bare = resource === "cpu" || resource === "memory" ? [resource] : [];
    const request = [`requests.${resource}`, ...bare].find((name) => hard[name] !== undefined);
    const limit = `limits.${resource}`;
    if (request === undefined || hard[limit] === undefined) return [];
    const [requested, limited] = [hard[request] ?? "0", hard[limit] ?? "0"];
    if (compareQuantities(requested, limited) <= 0) return [];
    const shown = [requested, limited].map(canonicalQuantity);
    return [`ResourceQuota ${request} (${shown[0]}) should be less than ${limit} (${shown[1]})`];
  });
}
