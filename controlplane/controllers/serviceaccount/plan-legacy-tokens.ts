import type { Secret, ServiceAccount } from "../../../client/types.ts";
import { timeMs } from "../times.ts";
import { accountNameOf, isOf, tokenSecretType } from "./plan-token-secret.ts";

/** Which tokens without an end, made for their accounts by Kubernetes before 1.24, nobody uses any more. Pure. */

export const lastUsedLabel = "kubernetes.io/legacy-token-last-used";
export const invalidSinceLabel = "kubernetes.io/legacy-token-invalid-since";

export interface LegacyTokensSeen {
  readonly secrets: readonly Secret[];
  readonly account: (namespace: string, name: string) => ServiceAccount | undefined;
  /** Whether a pod has the secret. */
  readonly isMounted: (namespace: string, name: string) => boolean;
  /** Since when API servers note which tokens are used, as a date; undefined: they do not. */
  readonly trackedSince: string | undefined;
  readonly periodMs: number;
  readonly nowMs: number;
}

export type LegacyTokenStep =
  /** From now on it is refused; whoever needs it after all has a period to say so. */
  | { readonly step: "invalidate"; readonly secret: Secret; readonly since: string }
  | { readonly step: "delete"; readonly secret: Secret };

export const dateText = (wallMs: number): string => new Date(wallMs).toISOString().slice(0, 10);

/** The day's beginning; undefined for what is no date. */
function dayMs(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{4}-\d\d-\d\d$/.test(text)) return undefined;
  const ms = Date.parse(`${text}T00:00:00Z`);
  return Number.isNaN(ms) || dateText(ms) !== text ? undefined : ms;
}

const dayLongMs = 24 * 60 * 60 * 1000;

export function planLegacyTokens(seen: LegacyTokensSeen): readonly LegacyTokenStep[] {
  const { secrets, trackedSince, periodMs, nowMs } = seen;
  const tracked = dayMs(trackedSince);
  // All of that first day may have gone by unnoticed.
  if (tracked === undefined || nowMs < tracked + dayLongMs + periodMs) return [];
  const oldest = dateText(nowMs - periodMs);
  return secrets.flatMap((secret): LegacyTokenStep[] => {
    const { metadata } = secret;
    if (!isUnused(seen, secret, oldest)) return [];
    const since = metadata.labels?.[invalidSinceLabel];
    if (since === undefined || dayMs(since) === undefined)
      return [{ step: "invalidate", secret, since: dateText(nowMs) }];
    return since >= oldest ? [] : [{ step: "delete", secret }];
  });
}

function isUnused(
  { account, isMounted, periodMs, nowMs }: LegacyTokensSeen,
  secret: Secret,
  oldest: string,
): boolean {
  const { namespace = "", name, creationTimestamp, deletionTimestamp, labels } = secret.metadata;
  if (secret.type !== tokenSecretType || deletionTimestamp !== undefined) return false;
  if (timeMs(creationTimestamp) >= nowMs - periodMs) return false;
  const lastUsed = labels?.[lastUsedLabel];
  if (lastUsed !== undefined && (dayMs(lastUsed) === undefined || lastUsed >= oldest)) return false;
  const owner = account(namespace, accountNameOf(secret));
  // One that its account does not list was made by somebody who knows of it.
  if (owner === undefined || !isOf(secret, owner)) return false;
  const isListed = owner.secrets?.some((one) => one.name === name) ?? false;
  return isListed && !isMounted(namespace, name);
}
