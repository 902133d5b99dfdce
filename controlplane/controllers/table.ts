import type { Controller } from "./controller.ts";
import { deploymentController } from "./deployment/deployment-controller.ts";
import { replicaSetController, replicationControllerController } from "./replicaset/replicas-controller.ts";

/** Every controller. */
export const controllerTable: readonly Controller[] = [
  deploymentController,
  replicaSetController,
  replicationControllerController,
];
