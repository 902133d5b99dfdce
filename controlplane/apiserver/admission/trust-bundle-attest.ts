import type { ClusterTrustBundle, KubeObject } from "../../../client/types.ts";
import type { Authorizer } from "../filters/authorizer.ts";
import { sameValue } from "../schema/same-value.ts";
import { type Plugin, refusal, where } from "./admission.ts";
import { isAllowed } from "./certificates.ts";

/** Kubernetes' ClusterTrustBundleAttest: who says whom to trust for a signer needs the right to attest for it. */
export function trustBundleAttest({ authorizer }: { readonly authorizer: Authorizer }): Plugin {
  return {
    validate: where(
      ({ kind }) => kind.group === "certificates.k8s.io" && kind.plural === "clustertrustbundles",
      async (attributes) => {
        if (attributes.operation !== "create" && attributes.operation !== "update") return;
        const { signerName = "" } = (attributes.object as unknown as ClusterTrustBundle).spec;
        if (signerName === "") return;
        if (attributes.operation === "update" && isOnlyCollected(attributes.object, attributes.old)) return;
        if (await isAllowed(authorizer, attributes.by.user, "attest", signerName)) return;
        throw refusal(
          attributes,
          `user not permitted to attest for signerName ${JSON.stringify(signerName)}`,
        );
      },
    ),
  };
}

/** Owners and finalizers alone change: so the garbage collector and migrations work without the right. */
function isOnlyCollected(next: KubeObject, old: KubeObject): boolean {
  const rest = ({ metadata, ...object }: KubeObject) => {
    const { ownerReferences, finalizers, managedFields, resourceVersion, ...kept } = metadata;
    return { ...object, metadata: kept };
  };
  return sameValue(rest(next), rest(old));
}
