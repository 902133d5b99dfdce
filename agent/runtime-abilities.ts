import type { Chosen } from "./runtime/choose.ts";
import type { NodeInput } from "./status/node-object.ts";

/** What a node says of itself that depends on what runs its containers. */
export function abilitiesOf(
  chosen: Chosen,
): Pick<NodeInput, "supplementalGroups" | "recursiveReadOnly" | "runtimeHandlers"> {
  if (chosen.kind !== "cri")
    return {
      supplementalGroups: chosen.kind === "oci",
      recursiveReadOnly: chosen.kind === "oci" && chosen.config.recursiveReadOnly,
    };
  const [usual, ...others] = chosen.found.handlers;
  return {
    supplementalGroups: chosen.found.supplementalGroupsPolicy,
    recursiveReadOnly: usual?.recursiveReadOnlyMounts ?? false,
    runtimeHandlers: others,
  };
}
