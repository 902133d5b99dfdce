import type { Container, ContainerStatus } from "../../client/types.ts";
import type { RuntimeContainer } from "../runtime/seam.ts";

type Facts = Pick<ContainerStatus, "volumeMounts" | "resources" | "allocatedResources" | "user">;

/** What a container's status tells beside its state: mounts as they are made, resources as they are granted, and whom the
 *  container runs as, where the runtime knows. Pure. */
export function containerFacts(
  { volumeMounts = [], resources }: Container,
  last: RuntimeContainer | undefined,
  scheme: string,
): Facts {
  const user = scheme === "oci" ? userOf(last) : undefined;
  return {
    ...(volumeMounts.length > 0 && {
      volumeMounts: volumeMounts.map(({ name, mountPath, readOnly }) => ({
        name,
        mountPath,
        ...(readOnly && { readOnly, recursiveReadOnly: "Disabled" }),
      })),
    }),
    ...(last && { resources: resources ?? {} }),
    ...(last && resources?.requests && { allocatedResources: resources.requests }),
    ...(user && { user }),
  };
}

function userOf(last: RuntimeContainer | undefined): Facts["user"] {
  const text = last?.annotations.user;
  if (text === undefined) return undefined; // started by an agent that did not record it
  const [uid, gid, supplementalGroups] = JSON.parse(text) as [number, number, number[]];
  return { linux: { uid, gid, supplementalGroups } };
}
