import type { CSIDriver, Pod } from "../../client/types.ts";
import type { HeldToken, WantedToken } from "../volumes/account-tokens.ts";

export interface TokenSource {
  /** Rejects with ConfigError where there is none to be had. */
  held(pod: Pod, wanted: WantedToken): Promise<HeldToken>;
}

const usualLifeSeconds = 3600;

/** What a driver with `tokenRequests` gets of the pod's account, as JSON; undefined where it asks for none. */
export async function serviceAccountTokens(
  pod: Pod,
  driver: CSIDriver | undefined,
  tokens: TokenSource,
): Promise<string | undefined> {
  const requests = driver?.spec.tokenRequests ?? [];
  if (requests.length === 0) return undefined;
  const all: Record<string, { token: string; expirationTimestamp: string }> = {};
  for (const { audience = "", expirationSeconds = usualLifeSeconds } of requests) {
    const { text, expiresMs } = await tokens.held(pod, { audience, lifeSeconds: expirationSeconds });
    const expirationTimestamp = new Date(expiresMs).toISOString().replace(/\.\d+Z$/, "Z");
    all[audience] = { token: text, expirationTimestamp };
  }
  return JSON.stringify(all);
}
