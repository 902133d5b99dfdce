import type { Container, Pod } from "../../client/types.ts";
import { seLinuxFields } from "./security-profiles.ts";
import type { NodeAbilities } from "./unsupported-fields.ts";

/** Volumes that the API server gives every pod, for its account's token. */
const addedVolumePrefix = "kube-api-access-";

/** Says what a pod asks for that has no effect on this node; undefined: nothing. `ownUid` is the agent's. Pure. */
export function effectlessText(
  pod: Pod,
  { scheme, able }: { readonly scheme: string; readonly able: Pick<NodeAbilities, "seLinux"> },
  ownUid: number,
): string | undefined {
  const isProcess = scheme === "process";
  const fields = isProcess
    ? unisolatedFields(pod, ownUid)
    : able.seLinux === "absent"
      ? seLinuxFields(pod)
      : [];
  if (fields.length === 0) return undefined;
  const why = isProcess
    ? "pods are plain processes on this node, where"
    : "this node's kernel has no SELinux, so";
  return `${why} these have no effect: ${fields.join(", ")}`;
}

/** What a pod asks for that has no effect where its containers are plain processes, by the fields' paths. `ownUid` is the
 *  agent's: only root can start a process as somebody else. */
export function unisolatedFields({ spec }: Pod, ownUid: number): readonly string[] {
  const shared = spec.securityContext ?? {};
  const asked = (at: string, fields: Readonly<Record<string, boolean>>) =>
    Object.entries(fields).flatMap(([name, isAsked]) => (isAsked ? [`${at}.${name}`] : []));
  const filled = (value: object | undefined) => value !== undefined && Object.keys(value).length > 0;
  const confines = (profile: { type: string } | undefined) =>
    profile !== undefined && profile.type !== "Unconfined";
  const another = (id: number | undefined) => id !== undefined && ownUid !== 0 && id !== ownUid;
  const ofContainer = (container: Container, at: string) => {
    const own = container.securityContext ?? {};
    return [
      ...asked(`${at}.securityContext`, {
        privileged: own.privileged === true,
        capabilities: filled(own.capabilities?.add) || filled(own.capabilities?.drop),
        readOnlyRootFilesystem: own.readOnlyRootFilesystem === true,
        allowPrivilegeEscalation: own.allowPrivilegeEscalation === false,
        seccompProfile: confines(own.seccompProfile),
        appArmorProfile: confines(own.appArmorProfile),
        seLinuxOptions: filled(own.seLinuxOptions),
        runAsUser: another(own.runAsUser),
        runAsGroup: own.runAsGroup !== undefined && ownUid !== 0,
      }),
      ...asked(`${at}.resources`, { limits: filled(container.resources?.limits) }),
      ...(container.volumeMounts ?? []).flatMap((mount, index) =>
        asked(`${at}.volumeMounts[${index}]`, {
          readOnly: mount.readOnly === true && !mount.name.startsWith(addedVolumePrefix),
          mountPropagation: mount.mountPropagation !== undefined && mount.mountPropagation !== "None",
        }),
      ),
    ];
  };
  return [
    ...asked("spec", {
      "resources.limits": filled(spec.resources?.limits),
      hostAliases: filled(spec.hostAliases),
      dnsConfig: filled(spec.dnsConfig),
      dnsPolicy: spec.dnsPolicy === "None" || spec.dnsPolicy === "ClusterFirstWithHostNet",
      hostname: Boolean(spec.hostname),
      subdomain: Boolean(spec.subdomain),
    }),
    ...asked("spec.securityContext", {
      sysctls: filled(shared.sysctls),
      seccompProfile: confines(shared.seccompProfile),
      appArmorProfile: confines(shared.appArmorProfile),
      seLinuxOptions: filled(shared.seLinuxOptions),
      supplementalGroups: filled(shared.supplementalGroups),
      fsGroup: shared.fsGroup !== undefined,
      runAsUser: another(shared.runAsUser),
      runAsGroup: shared.runAsGroup !== undefined && ownUid !== 0,
    }),
    ...(["initContainers", "containers"] as const).flatMap((sort) =>
      (spec[sort] ?? []).flatMap((one, index) => ofContainer(one, `spec.${sort}[${index}]`)),
    ),
  ];
}
