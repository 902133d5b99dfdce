import { removedAtMs, removedNodes } from "../../../client/rules/joining-nodes.ts";
import type { ConfigMap } from "../../../client/types.ts";
import type { LookupDeps } from "../admission/stored-lookup.ts";
import { nodeIdentity } from "../filters/service-account-user.ts";
import { rfc3339 } from "../registry/object-meta.ts";
import { decodeStored, namedKey } from "../registry/stored-object.ts";
import type { CertificateAuthenticator } from "./authenticator.ts";

/** When a node was removed, if it was. */
export type RemovedAt = (node: string) => Promise<number | undefined>;

/** A node's certificate of before the node was removed says nothing any more: who has it is refused, until the machine joins again.
 *  (Certificates that are signed afterwards begin no earlier: `controllers/certificates/plan-signing.ts`.) */
export function exceptRemovedNodes(
  authenticate: CertificateAuthenticator,
  removedAt: RemovedAt,
): CertificateAuthenticator {
  return async (evidence) => {
    const found = await authenticate(evidence);
    if (found === undefined || "refusal" in found) return found;
    const node = nodeIdentity(found.user);
    const atMs = node === undefined ? undefined : await removedAt(node);
    const { certificate } = evidence;
    // Not `<`: a date that is none is before nothing.
    if (atMs === undefined || (certificate !== undefined && certificate.notBeforeMs >= atMs)) return found;
    const when = Number.isFinite(atMs) ? rfc3339(atMs) : "a time that cannot be read";
    return { refusal: `the certificate of node ${JSON.stringify(node)} ended with its removal at ${when}` };
  };
}

/** As it stands in the cluster: asked with every request of a node, so from the cache as soon as that is loaded. */
export function removedNodesOf({ kinds, hub, storage }: LookupDeps): RemovedAt {
  return async (node) => {
    const kind = kinds.named("", "configmaps")?.kind;
    const key = kind && namedKey(kind, removedNodes.namespace, removedNodes.name);
    if (kind === undefined || key === undefined) return undefined;
    const cache = hub.peek(kind);
    if (cache !== undefined) return removedAtMs(cache.get(key)?.object as ConfigMap | undefined, node);
    void hub.cache(kind).catch(() => undefined); // the store is asked meanwhile, and says why
    const { entry } = await storage.get(key);
    const map = entry && decodeStored(kind, entry.value, entry.modRevision);
    return removedAtMs(map as ConfigMap | undefined, node);
  };
}
