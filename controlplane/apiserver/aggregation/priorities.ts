import { byPriority } from "../registry/version-priority.ts";

/** In which order groups and versions are discovered: by what their APIServices say. Pure. */

export interface Priority {
  readonly groupPriorityMinimum: number;
  readonly versionPriority: number;
}

/** Kubernetes' own groups and those of add-ons, the first of each pair for the group; versions not named here count as v1 does. */
const builtIn: Readonly<Record<string, readonly [group: number, version: number]>> = {
  "": [18_000, 1],
  apps: [17_800, 15],
  "events.k8s.io": [17_750, 15],
  "authentication.k8s.io": [17_700, 15],
  "authorization.k8s.io": [17_600, 15],
  autoscaling: [17_500, 15],
  batch: [17_400, 15],
  "certificates.k8s.io": [17_300, 15],
  "networking.k8s.io": [17_200, 15],
  policy: [17_100, 15],
  "rbac.authorization.k8s.io": [17_000, 15],
  "storage.k8s.io": [16_800, 15],
  "apiextensions.k8s.io": [16_700, 15],
  "admissionregistration.k8s.io": [16_700, 15],
  "scheduling.k8s.io": [16_600, 15],
  "coordination.k8s.io": [16_500, 15],
  "node.k8s.io": [16_300, 15],
  "discovery.k8s.io": [16_200, 15],
  "resource.k8s.io": [16_200, 21],
  "flowcontrol.apiserver.k8s.io": [16_100, 21],
  // As metrics-server's own manifest has it.
  "metrics.k8s.io": [100, 100],
  // As prometheus-adapter's have them.
  "custom.metrics.k8s.io": [100, 100],
  "external.metrics.k8s.io": [100, 100],
};
/** It registers the others, and is registered by none. */
export const registeringGroup = "apiregistration.k8s.io";
const registering: Priority = { groupPriorityMinimum: 20_001, versionPriority: 12 };
/** Of groups that custom resource definitions bring: behind all others, versions as their names say. */
export const customPriority: Priority = { groupPriorityMinimum: 1000, versionPriority: 100 };

/** What a group and version has that nobody said anything of. */
export function defaultPriority(group: string, version: string): Priority {
  if (group === registeringGroup) return registering;
  if (group === "autoscaling" && version === "v2")
    return { groupPriorityMinimum: 17_500, versionPriority: 30 };
  if (group === "custom.metrics.k8s.io" && version === "v1beta2")
    return { groupPriorityMinimum: 100, versionPriority: 200 };
  const [groupPriorityMinimum, versionPriority] = builtIn[group] ?? [];
  return groupPriorityMinimum === undefined || versionPriority === undefined
    ? customPriority
    : { groupPriorityMinimum, versionPriority };
}

/** Groups with their versions, the more important first. */
export function orderedGroups(
  groups: ReadonlyMap<string, readonly string[]>,
  priorityOf: (group: string, version: string) => Priority,
): ReadonlyMap<string, readonly string[]> {
  const rows = [...groups].map(([group, versions]) => ({
    group,
    versions: [...versions].sort(
      (a, b) =>
        priorityOf(group, b).versionPriority - priorityOf(group, a).versionPriority || byPriority(a, b),
    ),
    minimum: Math.max(...versions.map((version) => priorityOf(group, version).groupPriorityMinimum)),
  }));
  // Equals stay as they were.
  rows.sort((a, b) => b.minimum - a.minimum);
  return new Map(rows.map(({ group, versions }) => [group, versions]));
}
