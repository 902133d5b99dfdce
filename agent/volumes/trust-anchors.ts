import { createHash } from "node:crypto";
import { certificatePem, readPem } from "../../base/pem.ts";
import type { ClusterTrustBundle } from "../../client/types.ts";

/** The certificates of these bundles, each once, without what stands between them. Their order is no one's to rely on: it is the
 *  same for one `seed`, and another for another. Pure. */
export function trustAnchors(bundles: readonly ClusterTrustBundle[], seed: string): string {
  const anchors = new Map<string, Uint8Array>();
  for (const { spec } of bundles)
    for (const { bytes } of readPem(spec.trustBundle))
      anchors.set(createHash("sha256").update(seed).update(bytes).digest("hex"), bytes);
  return [...anchors]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, bytes]) => certificatePem(bytes))
    .join("");
}
