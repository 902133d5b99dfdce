import type { Pod } from "../../client/types.ts";

/** How a pod calls itself. */
export interface HostNames {
  /** What the kernel is told, and `hostname` answers. */
  readonly hostname: string;
  /** What stands beside its address in /etc/hosts; the first is what `hostname -f` answers. */
  readonly names: readonly string[];
}

const hostnameCharsMost = 63;
const kernelCharsMost = 64;

/** In the node's network it is the node's name. Throws when a name that is asked for is more than the kernel takes. */
export function hostNamesOf({ spec, metadata }: Pod, clusterDomain: string): HostNames {
  if (spec.hostNetwork) return { hostname: spec.nodeName ?? "", names: [] };
  const given = spec.hostnameOverride ?? (spec.hostname || metadata.name);
  const short =
    given.length <= hostnameCharsMost ? given : given.slice(0, hostnameCharsMost).replace(/[-.]+$/, "");
  if (spec.hostnameOverride !== undefined || !spec.subdomain) return { hostname: short, names: [short] };
  const full = `${short}.${spec.subdomain}.${metadata.namespace}.svc.${clusterDomain}`;
  if (spec.setHostnameAsFQDN && full.length > kernelCharsMost)
    throw new Error(
      `failed to construct FQDN from pod hostname and cluster domain, FQDN ${full} is too long (${kernelCharsMost} characters is the max, ${full.length} characters requested)`,
    );
  return { hostname: spec.setHostnameAsFQDN ? full : short, names: [full, short] };
}
