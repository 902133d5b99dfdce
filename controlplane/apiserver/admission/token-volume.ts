import type { Pod, ServiceAccount, Volume } from "../../../client/types.ts";

const mountPath = "/var/run/secrets/kubernetes.io/serviceaccount";
/** Every volume of this sort, whoever added it, is named so. */
export const tokenVolumePrefix = "kube-api-access-";
/** An hour and seven seconds, by which `serviceaccounts/token` knows what nobody asked for. */
const lifeSeconds = 3607;

/** Does the pod want its account's token? Its own word comes before the account's. */
export function wantsToken({ spec }: Pod, account: ServiceAccount): boolean {
  return spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true;
}

/** Gives each container that has nothing else there the API's address of trust: a token, the API's authority, and the
 *  namespace. Mutates.
 *  @param newName For the volume, unless the pod has one of the sort. */
export function addTokenVolume({ spec }: Pod, newName: string): void {
  const existing = (spec.volumes ?? []).find(({ name }) => name.startsWith(tokenVolumePrefix));
  const name = existing?.name ?? newName;
  let needed = false;
  for (const container of [...(spec.initContainers ?? []), ...spec.containers]) {
    if (container.volumeMounts?.some((mount) => mount.mountPath === mountPath)) continue;
    container.volumeMounts = [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath }];
    needed = true;
  }
  if (needed && existing === undefined) spec.volumes = [...(spec.volumes ?? []), tokenVolume(name)];
}

function tokenVolume(name: string): Volume {
  return {
    name,
    projected: {
      sources: [
        { serviceAccountToken: { expirationSeconds: lifeSeconds, path: "token" } },
        { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
        {
          downwardAPI: {
            items: [{ path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } }],
          },
        },
      ],
      defaultMode: 0o644,
    },
  };
}
