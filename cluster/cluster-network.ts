import type { NodesNetwork } from "./real/keeper-orders.ts";

/** Where a cluster's addresses are; of one whose nodes are all simulated nobody listens anywhere. */
export type ClusterNetwork = Omit<NodesNetwork, "folder">;

export const simulatedNetwork: ClusterNetwork = {
  apiAddresses: [],
  advertiseAddress: "127.0.0.1",
  serviceRange: "10.96.0.0/16",
  podRange: "10.244.0.0/16",
  controllerFlags: [],
};

/** Whether anything of it is of this machine. */
export const isOfMachine = ({ apiAddresses }: ClusterNetwork): boolean => apiAddresses.length > 0;
