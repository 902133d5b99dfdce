import { type Cgroups, groupProcesses, removeGroup } from "../oci/cgroups.ts";
import { limitGroup, type PodGroupLimits } from "../oci/pod-group.ts";
import { PodsGroup } from "../oci/pods-group.ts";

/** Where the control groups of a pod lie, and how they go. */
export interface PodGroups {
  /** Undefined: where the runtime likes. */
  parentOf(podUid: string): string | undefined;
  remove(podUid: string): Promise<void>;
  /** How many processes a container has; undefined where systemd alone knows. */
  processes(podUid: string, containerId: string): Promise<number | undefined>;
  /** What each pod may take, of processes so many; undefined where systemd keeps its group. */
  readonly limits: ((processesMost?: number) => PodGroupLimits) | undefined;
  /** That of all pods; undefined where systemd keeps it. */
  readonly all: PodsGroup | undefined;
  /** In bytes, of the huge pages that they can be held to. */
  readonly hugePageSizes: readonly number[];
}

/** Below a group of the node's own. Where systemd keeps the groups, their names say what they are in. */
export function podGroups(
  nodeName: string,
  driver: "cgroupfs" | "systemd",
  cgroups: Cgroups | undefined,
): PodGroups {
  const hugePageSizes = cgroups?.hugePageSizes ?? [];
  if (driver === "systemd") {
    // A dash in a slice's name is a level; systemd removes slices that are empty.
    const escaped = (text: string) => text.replaceAll("-", "_");
    return {
      parentOf: (uid) => `pintle-${escaped(nodeName)}-pod${escaped(uid)}.slice`,
      remove: async () => undefined,
      processes: async () => undefined,
      limits: undefined,
      all: undefined,
      hugePageSizes,
    };
  }
  const parentOf = (uid: string) => `/pintle/${nodeName}/pod${uid}`;
  return {
    parentOf,
    remove: async (uid) => {
      if (cgroups !== undefined) await removeGroup(cgroups, parentOf(uid));
    },
    limits:
      cgroups &&
      ((processesMost) => ({
        limit: (uid, resources) => limitGroup(cgroups, parentOf(uid), resources, processesMost),
      })),
    hugePageSizes,
    all: cgroups && new PodsGroup(cgroups, `/pintle/${nodeName}`),
    processes: async (uid, id) =>
      cgroups === undefined ? undefined : groupProcesses(cgroups, `${parentOf(uid)}/${id}`),
  };
}
