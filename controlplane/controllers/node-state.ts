import type { Node } from "../../client/types.ts";

/** What controllers read off a node. Pure. */

const outOfServiceTaint = "node.kubernetes.io/out-of-service";

export const isNodeReady = ({ status }: Node): boolean =>
  status?.conditions?.some((one) => one.type === "Ready" && one.status === "True") ?? false;

/** Somebody said that it is down and will not run what it ran before. */
export const isOutOfService = ({ spec }: Node): boolean =>
  spec?.taints?.some(({ key }) => key === outOfServiceTaint) ?? false;
