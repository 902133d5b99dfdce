import { type Chosen, podLimitsOf } from "./runtime/choose.ts";
import { hostHasSeLinux } from "./runtime/oci/selinux.ts";
import type { NodeInput } from "./status/node-object.ts";
import type { NodeAbilities } from "./sync/unsupported-fields.ts";

/** What pods may ask of a node. Where they are plain processes, they are told what has no effect. */
export const podAbilitiesOf = (chosen: Chosen): NodeAbilities => ({
  runtimeHandlers: chosen.kind === "cri",
  seLinux: !hostHasSeLinux() ? "absent" : chosen.kind === "cri" ? "honoured" : "unsupported",
  podResources: chosen.kind === "process" || podLimitsOf(chosen) !== undefined,
  userNamespaces: (handler) => {
    if (chosen.kind === "oci") return chosen.config.userNamespaces;
    const found = chosen.kind === "cri" ? chosen.found.handlers : [];
    return found.find(({ name }) => name === handler)?.userNamespaces ?? false;
  },
});

/** Whether control groups hold pods and containers to the huge pages that they ask for. */
export function countsHugePages(chosen: Chosen): boolean {
  if (chosen.kind === "process") return false;
  const { hugePageSizes = [] } = chosen.kind === "oci" ? chosen.config.cgroups : chosen.found.groups;
  return hugePageSizes.length > 0;
}

/** What a node says of itself that depends on what runs its containers. */
export function abilitiesOf(
  chosen: Chosen,
): Pick<
  NodeInput,
  "supplementalGroups" | "recursiveReadOnly" | "userNamespaces" | "resizesPods" | "runtimeHandlers"
> {
  const resizesPods = podLimitsOf(chosen) !== undefined;
  if (chosen.kind !== "cri")
    return {
      resizesPods,
      supplementalGroups: chosen.kind === "oci",
      recursiveReadOnly: chosen.kind === "oci" && chosen.config.recursiveReadOnly,
      userNamespaces: chosen.kind === "oci" && chosen.config.userNamespaces,
    };
  const [usual, ...others] = chosen.found.handlers;
  return {
    resizesPods,
    supplementalGroups: chosen.found.supplementalGroupsPolicy,
    recursiveReadOnly: usual?.recursiveReadOnlyMounts ?? false,
    userNamespaces: usual?.userNamespaces ?? false,
    runtimeHandlers: others,
  };
}
