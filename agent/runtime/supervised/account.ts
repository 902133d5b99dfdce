import { must } from "../../../base/assert.ts";
import type { ContainerConfig } from "../seam.ts";

/** Whom a container runs as: the agent has its image, so that is known. */
export const accountOf = ({ user }: ContainerConfig): { readonly uid: number; readonly gid: number } => ({
  uid: must(user.uid, "the user of a container that we run ourselves is complete"),
  gid: must(user.gid, "the group of a container that we run ourselves is complete"),
});
