import type { Container } from "../../client/types.ts";
import { ConfigError } from "../sync/environment.ts";

type VolumeMount = NonNullable<Container["volumeMounts"]>[number];

/** Whether what is mounted within the mount is to be read-only too. Throws ConfigError where it must be and cannot. */
export function isReadOnlyThroughout(mount: VolumeMount, isSupported: boolean): boolean {
  const { name, readOnly, mountPropagation, recursiveReadOnly: asked } = mount;
  const refused = (why: string) =>
    new ConfigError(
      `failed to resolve recursive read-only mode: volume ${JSON.stringify(name)} requested recursive read-only mode, but it is not ${why}`,
    );
  if (asked === undefined || asked === "Disabled") return false;
  if (readOnly !== true) throw refused("read-only");
  if (mountPropagation !== undefined && mountPropagation !== "None")
    throw refused(`compatible with propagation ${JSON.stringify(mountPropagation)}`);
  if (asked === "IfPossible") return isSupported;
  if (asked !== "Enabled")
    throw new ConfigError(
      `failed to resolve recursive read-only mode: unknown recursive read-only mode ${JSON.stringify(asked)}`,
    );
  if (!isSupported) throw refused("supported by the runtime");
  return true;
}
