import type { Meter } from "../../../base/os/metrics.ts";

/** Tokens of service accounts that were judged and hold, by what they are, under Kubernetes' names. A verdict that is used again
 *  (`kept-verdicts.ts`) is no further use, as there. */
export const accountTokenUses = (meter: Meter) => {
  const counter = (name: string, what: string) =>
    meter.tally<never>(`serviceaccount_${name}_total`, `[ALPHA] Cumulative ${what} used`).of({});
  return {
    /** Of pods, in the time that they are replaced in. */
    valid: counter("valid_tokens", "valid projected service account tokens"),
    /** Of pods, and such that whoever shows it should have read the next one. */
    stale: counter("stale_tokens", "stale projected service account tokens"),
    /** Without audiences. */
    legacy: counter("legacy_tokens", "legacy service account tokens"),
    /** In a secret that the account names. */
    automatic: counter("legacy_auto_token_uses", "auto-generated legacy tokens"),
    manual: counter("legacy_manual_token_uses", "manually created legacy tokens"),
    /** In a secret that is marked; they do not hold. */
    invalidated: counter("invalid_legacy_auto_token_uses", "invalid auto-generated legacy tokens"),
  };
};
export type AccountTokenUses = ReturnType<typeof accountTokenUses>;
