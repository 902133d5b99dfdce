import { type Cgroups, removeGroup } from "../oci/cgroups.ts";

/** Where the control groups of a pod lie, and how they go. */
export interface PodGroups {
  /** Undefined: where the runtime likes. */
  parentOf(podUid: string): string | undefined;
  remove(podUid: string): Promise<void>;
}

/** Below a group of the node's own. Where systemd keeps the groups, their names say what they are in. */
export function podGroups(
  nodeName: string,
  driver: "cgroupfs" | "systemd",
  cgroups: Cgroups | undefined,
): PodGroups {
  if (driver === "systemd") {
    // A dash in a slice's name is a level; systemd removes slices that are empty.
    const escaped = (text: string) => text.replaceAll("-", "_");
    return {
      parentOf: (uid) => `pintle-${escaped(nodeName)}-pod${escaped(uid)}.slice`,
      remove: async () => undefined,
    };
  }
  const parentOf = (uid: string) => `/pintle/${nodeName}/pod${uid}`;
  return {
    parentOf,
    remove: async (uid) => {
      if (cgroups !== undefined) await removeGroup(cgroups, parentOf(uid));
    },
  };
}
