import type { Os } from "../../../base/os/os.ts";
import type { Chosen } from "../../runtime/choose.ts";
import { Cadvisor, type CadvisorDeps } from "./serve-cadvisor.ts";

/** Of what runs this node's containers. */
export function openCadvisor({
  chosen,
  os,
  ...deps
}: Omit<CadvisorDeps, "clock" | "groups"> & {
  readonly chosen: Chosen;
  readonly os: Pick<Os, "clock">;
}): Cadvisor {
  const groups =
    chosen.kind === "oci"
      ? { cgroups: chosen.config.cgroups, parent: chosen.config.cgroupParent }
      : undefined;
  return new Cadvisor({ ...deps, clock: os.clock, groups });
}
