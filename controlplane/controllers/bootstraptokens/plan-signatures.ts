import type { ConfigMap, Secret } from "../../../client/types.ts";
import { detachedSignature, signingToken } from "./bootstrap-token.ts";

const signaturePrefix = "jws-kubeconfig-";

export interface SignaturePlan {
  /** What the map is to hold; undefined where it does. */
  readonly data: Readonly<Record<string, string>> | undefined;
}

/** The public information of the cluster with a signature by every token that is for that, and no others. Pure. */
export function planSignatures(
  { data = {} }: ConfigMap,
  secrets: readonly Secret[],
  nowMs: number,
): SignaturePlan {
  const content = data.kubeconfig;
  if (content === undefined) return { data: undefined };
  const wanted: Record<string, string> = Object.fromEntries(
    Object.entries(data).filter(([key]) => !key.startsWith(signaturePrefix)),
  );
  for (const secret of secrets) {
    const token = signingToken(secret, nowMs);
    if (token !== undefined) wanted[signaturePrefix + token.id] ??= detachedSignature(content, token);
  }
  const isSame =
    Object.keys(wanted).length === Object.keys(data).length &&
    Object.entries(wanted).every(([key, value]) => data[key] === value);
  return { data: isSame ? undefined : wanted };
}
