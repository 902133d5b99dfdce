import type { Clock } from "../../../base/os/clock.ts";
import type { CacheHub } from "../cache/cache-hub.ts";
import { Rbac } from "../rbac/rbac-authorizer.ts";
import type { Kind } from "../registry/kind.ts";
import type { Kinds } from "../registry/kind-table.ts";
import { type Authorizer, anyOf, type RuleResolver, rulesOfAll, superusers } from "./authorizer.ts";
import { gatewayKinds, tlsPolicyKind } from "./gateway-secrets.ts";
import { nodeAuthorizer, nodeRulesUnknown } from "./node-authorizer.ts";
import { policyKinds } from "./policy-kinds.ts";

export interface Authorizers {
  /** Who may: superusers, nodes by what their pods refer to, and everybody by roles and bindings. */
  readonly authorizer: Authorizer;
  /** What the same chain would allow, as far as it can be listed. */
  readonly rulesFor: RuleResolver;
  readonly rbac: Rbac;
}

export function authorizers(deps: {
  readonly hub: CacheHub;
  readonly kinds: Kinds;
  readonly clock: Clock;
}): Authorizers {
  const { hub, kinds, clock } = deps;
  const kindOf = (group: string, plural: string): Kind => {
    const found = kinds.named(group, plural)?.kind;
    if (found === undefined) throw new Error(`the table of kinds lacks ${plural}`);
    return found;
  };
  const group = "rbac.authorization.k8s.io";
  const rbac = new Rbac(
    { hub, clock },
    {
      roles: kindOf(group, "roles"),
      clusterRoles: kindOf(group, "clusterroles"),
      roleBindings: kindOf(group, "rolebindings"),
      clusterRoleBindings: kindOf(group, "clusterrolebindings"),
    },
  );
  return {
    authorizer: anyOf(
      superusers,
      nodeAuthorizer({
        hub,
        pods: kindOf("", "pods"),
        volumes: kindOf("", "persistentvolumes"),
        attachments: kindOf("storage.k8s.io", "volumeattachments"),
        slices: kindOf("resource.k8s.io", "resourceslices"),
        nodes: kindOf("", "nodes"),
        ingresses: kindOf("networking.k8s.io", "ingresses"),
        ingressClasses: kindOf("networking.k8s.io", "ingressclasses"),
        policyKinds: () => policyKinds(kinds),
        gatewayKinds: () => gatewayKinds(kinds),
        tlsPolicies: () => tlsPolicyKind(kinds),
      }),
      rbac.authorizer,
    ),
    rulesFor: rulesOfAll(nodeRulesUnknown, rbac.rulesFor),
    rbac,
  };
}
