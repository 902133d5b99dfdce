import type { Node } from "../../client/types.ts";

const readiness = (node: Node | undefined) => node?.status?.conditions?.find(({ type }) => type === "Ready");

/** Whether the node is there and answers. */
export const isReadyNode = (node: Node | undefined): boolean => readiness(node)?.status === "True";

/** In one line, what is known of a node that does not answer. */
export function whyNotReady(node: Node | undefined): string {
  if (node === undefined) return "the Node is gone";
  const ready = readiness(node);
  return ready === undefined ? "no condition Ready" : `${ready.reason ?? "Ready"}: ${ready.message ?? ""}`;
}
