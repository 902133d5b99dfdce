import type { Pod } from "../../client/types.ts";

/** The one user that all of a pod's containers run as, where the pod says it of each and it is the same: the owner of its
 *  tokens, which are then nobody else's to read. Pure. */
export function soleUser({ spec }: Pod): number | undefined {
  const shared = spec.securityContext?.runAsUser;
  const users = [...(spec.initContainers ?? []), ...spec.containers].map(
    ({ securityContext }) => securityContext?.runAsUser ?? shared,
  );
  const [first] = users;
  return users.every((one) => one === first) ? first : undefined;
}
