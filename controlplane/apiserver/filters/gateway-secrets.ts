import { authorityMaps } from "../../../client/gateway/backend-tls.ts";
import type {
  BackendTlsPolicy,
  Gateway,
  GatewayClass,
  ReferenceGrant,
} from "../../../client/gateway/gateway-types.ts";
import { gatewayGroup } from "../../../client/gateway/gateway-types.ts";
import { ownGateways } from "../../../client/gateway/listeners.ts";
import type { CacheHub } from "../cache/cache-hub.ts";
import type { Kind } from "../registry/kind.ts";
import type { Kinds } from "../registry/kind-table.ts";
import type { Named } from "./volume-secrets.ts";

/** Policies of TLS to backends; undefined where they are not defined. */
export const tlsPolicyKind = (kinds: Pick<Kinds, "named">): Kind | undefined =>
  kinds.named(gatewayGroup, "backendtlspolicies")?.kind;

/** Whether a policy has the authorities that it trusts from a ConfigMap. Looks at all policies, as below. */
export function isAuthorityMap(map: Named, policies: Kind, hub: Pick<CacheHub, "peek">): boolean {
  const wanted = `${map.namespace}/${map.name}`;
  return (hub.peek(policies)?.list("") ?? []).some(({ object }) =>
    authorityMaps(object as unknown as BackendTlsPolicy).includes(wanted),
  );
}

/** The kinds of Gateway API that say which secrets are certificates; none where they are not defined, or not all of them. */
export function gatewayKinds(kinds: Pick<Kinds, "named">): readonly Kind[] {
  const found = ["gateways", "gatewayclasses", "referencegrants"].map(
    (plural) => kinds.named(gatewayGroup, plural)?.kind,
  );
  return found.every((kind): kind is Kind => kind !== undefined) ? found : [];
}

/** Whether a listener of a Gateway of our classes has a certificate from the secret, and may. Looks at all Gateways: nodes ask when
 *  they begin to follow a secret, and not again.
 *  @param kinds As `gatewayKinds` gives them, whose caches are loaded. */
export function isGatewayCertificate(
  secret: Named,
  kinds: readonly Kind[],
  hub: Pick<CacheHub, "peek">,
): boolean {
  const [gateways = [], classes = [], grants = []] = kinds.map((kind) =>
    (hub.peek(kind)?.list("") ?? []).map(({ object }) => object as unknown),
  );
  const wanted = `${secret.namespace}/${secret.name}`;
  const own = ownGateways(
    gateways as readonly Gateway[],
    classes as readonly GatewayClass[],
    grants as readonly ReferenceGrant[],
  );
  return own.some(({ listeners }) =>
    listeners.some(({ certificates }) => certificates.some((one) => one.secret === wanted)),
  );
}
