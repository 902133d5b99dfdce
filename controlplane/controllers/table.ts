import type { Controller } from "./controller.ts";
import { deploymentController } from "./deployment/deployment-controller.ts";
import { endpointSliceController, endpointsController } from "./endpoints/endpoints-controllers.ts";
import { garbageCollector } from "./garbagecollector/garbage-collector.ts";
import { namespaceController } from "./namespace/namespace-controller.ts";
import { replicaSetController, replicationControllerController } from "./replicaset/replicas-controller.ts";
import { rootCaController, serviceAccountController } from "./serviceaccount/namespace-content-controllers.ts";

/** Every controller. */
export const controllerTable: readonly Controller[] = [
  serviceAccountController,
  rootCaController,
  namespaceController,
  deploymentController,
  replicaSetController,
  replicationControllerController,
  endpointsController,
  endpointSliceController,
  garbageCollector,
];
