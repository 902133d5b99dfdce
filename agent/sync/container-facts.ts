import type { Container, ContainerStatus } from "../../client/types.ts";
import type { RuntimeContainer } from "../runtime/seam.ts";
import { isReadOnlyThroughout } from "../volumes/recursive-read-only.ts";
import { ConfigError } from "./environment.ts";
import { recorded } from "./pod-resize.ts";

type Facts = Pick<
  ContainerStatus,
  "volumeMounts" | "resources" | "allocatedResources" | "user" | "stopSignal"
>;

/** What a container's status tells beside its state: mounts as they are made, resources as it has them and as they are
 *  granted, and whom the container runs as, where the runtime knows. Pure. */
export function containerFacts(
  { volumeMounts = [], resources }: Container,
  last: RuntimeContainer | undefined,
  { scheme, recursiveReadOnly }: { readonly scheme: string; readonly recursiveReadOnly: boolean },
): Facts {
  const user = scheme === "oci" ? userOf(last) : undefined;
  return {
    ...(volumeMounts.length > 0 && {
      volumeMounts: volumeMounts.map((mount) => ({
        name: mount.name,
        mountPath: mount.mountPath,
        ...(mount.readOnly && {
          readOnly: true,
          recursiveReadOnly: throughout(mount, recursiveReadOnly) ? "Enabled" : "Disabled",
        }),
      })),
    }),
    ...(last && { resources: recorded(last) ?? resources ?? {} }),
    ...(last && resources?.requests && { allocatedResources: resources.requests }),
    ...(user && { user }),
    ...(last?.annotations.stopSignal !== undefined && { stopSignal: last.annotations.stopSignal }),
  };
}

/** What cannot be had is not had: the container then waits, saying so. */
function throughout(mount: Parameters<typeof isReadOnlyThroughout>[0], isSupported: boolean): boolean {
  try {
    return isReadOnlyThroughout(mount, isSupported);
  } catch (error) {
    if (error instanceof ConfigError) return false;
    throw error;
  }
}

function userOf(last: RuntimeContainer | undefined): Facts["user"] {
  const text = last?.annotations.user;
  if (text === undefined) return undefined; // started by an agent that did not record it
  const [uid, gid, supplementalGroups] = JSON.parse(text) as [number, number, number[]];
  return { linux: { uid, gid, supplementalGroups } };
}
