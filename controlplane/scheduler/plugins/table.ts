import type { Plugin } from "../cycle/plugin.ts";
import { imageLocality } from "./image-locality.ts";
import { interPodAffinity } from "./inter-pod-affinity.ts";
import { nodeAffinity } from "./node-affinity.ts";
import { nodeName } from "./node-name.ts";
import { nodePorts } from "./node-ports.ts";
import { nodeUnschedulable } from "./node-unschedulable.ts";
import { resourcesBalanced, resourcesFit } from "./resources-fit.ts";
import { taintToleration } from "./taint-toleration.ts";
import { topologySpread } from "./topology-spread.ts";
import { volumeBinding } from "./volume-binding.ts";

/** All plugins, in the order in which they judge a node: the first that refuses it names the reason. */
export const plugins: readonly Plugin[] = [
  nodeUnschedulable,
  nodeName,
  taintToleration,
  nodeAffinity,
  nodePorts,
  resourcesFit,
  volumeBinding,
  topologySpread,
  interPodAffinity,
  resourcesBalanced,
  imageLocality,
];
