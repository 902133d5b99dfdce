/** What the API says of a pod that a node's shutdown ended: the kubelet's words. */
export const shutdownEnd = {
  reason: "Terminated",
  message: "Pod was terminated in response to imminent node shutdown.",
} as const;
