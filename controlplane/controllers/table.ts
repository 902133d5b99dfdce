import { attachDetachController } from "./attachdetach/attach-detach-controller.ts";
import {
  bootstrapSignerController,
  tokenCleanerController,
} from "./bootstraptokens/bootstrap-token-controllers.ts";
import { approvingController } from "./certificates/approving-controller.ts";
import { cleanerController } from "./certificates/cleaner-controller.ts";
import { nodeApprovingController } from "./certificates/node-approving-controller.ts";
import { signingController } from "./certificates/signing-controller.ts";
import { clusterInfoController } from "./clusterinfo/cluster-info-controller.ts";
import { clusterRoleAggregationController } from "./clusterroleaggregation/cluster-role-aggregation-controller.ts";
import type { Controller } from "./controller.ts";
import { cronJobController } from "./cronjob/cron-job-controller.ts";
import { daemonSetController } from "./daemonset/daemon-set-controller.ts";
import { deploymentController } from "./deployment/deployment-controller.ts";
import { deviceTaintEvictionController } from "./devicetaints/device-taint-eviction-controller.ts";
import { disruptionController } from "./disruption/disruption-controller.ts";
import { endpointSliceController, endpointsController } from "./endpoints/endpoints-controllers.ts";
import { endpointSliceMirroringController } from "./endpoints/mirroring-controller.ts";
import { ephemeralVolumeController } from "./ephemeralvolume/ephemeral-volume-controller.ts";
import { garbageCollector } from "./garbagecollector/garbage-collector.ts";
import { gatewayController } from "./gateway/gateway-controller.ts";
import { ingressStatusController } from "./ingressstatus/ingress-status-controller.ts";
import { jobController } from "./job/job-controller.ts";
import { ttlAfterFinishedController } from "./job/ttl.ts";
import { namespaceController } from "./namespace/namespace-controller.ts";
import { nodeIpamController } from "./nodeipam/node-ipam-controller.ts";
import { nodeLifecycleController } from "./nodelifecycle/node-lifecycle-controller.ts";
import { taintEvictionController } from "./nodelifecycle/taint-eviction-controller.ts";
import { ttlController } from "./nodettl/ttl-controller.ts";
import { persistentVolumeBinder } from "./persistentvolume/binder-controller.ts";
import { localPathProvisioner } from "./persistentvolume/local-path-provisioner.ts";
import { horizontalPodAutoscalerController } from "./podautoscaler/autoscaler-controller.ts";
import { podGcController } from "./podgc/pod-gc-controller.ts";
import { replicaSetController, replicationControllerController } from "./replicaset/replicas-controller.ts";
import { resourceClaimController } from "./resourceclaim/resource-claim-controller.ts";
import { resourceQuotaController } from "./resourcequota/resource-quota-controller.ts";
import { legacyTokenCleanerController } from "./serviceaccount/legacy-token-cleaner-controller.ts";
import {
  rootCaController,
  serviceAccountController,
} from "./serviceaccount/namespace-content-controllers.ts";
import { tokenSecretController } from "./serviceaccount/token-secret-controller.ts";
import { serviceCidrController } from "./servicecidr/service-cidr-controller.ts";
import { serviceLbController } from "./serviceloadbalancer/service-lb-controller.ts";
import { statefulSetController } from "./statefulset/stateful-set-controller.ts";
import { volumeExpandController } from "./volumeexpand/volume-expand-controller.ts";
import { attributesClassProtectionController } from "./volumeprotection/class-protection-controller.ts";
import {
  claimProtectionController,
  volumeProtectionController,
} from "./volumeprotection/protection-controllers.ts";

/** Every controller. */
export const controllerTable: readonly Controller[] = [
  serviceAccountController,
  rootCaController,
  tokenSecretController,
  legacyTokenCleanerController,
  namespaceController,
  resourceQuotaController,
  deploymentController,
  replicaSetController,
  replicationControllerController,
  endpointsController,
  endpointSliceController,
  endpointSliceMirroringController,
  daemonSetController,
  statefulSetController,
  horizontalPodAutoscalerController,
  disruptionController,
  cronJobController,
  jobController,
  ttlAfterFinishedController,
  resourceClaimController,
  deviceTaintEvictionController,
  serviceCidrController,
  serviceLbController,
  ingressStatusController,
  gatewayController,
  nodeIpamController,
  ttlController,
  nodeLifecycleController,
  taintEvictionController,
  podGcController,
  clusterRoleAggregationController,
  approvingController,
  nodeApprovingController,
  signingController,
  cleanerController,
  clusterInfoController,
  bootstrapSignerController,
  tokenCleanerController,
  garbageCollector,
  ephemeralVolumeController,
  attachDetachController,
  volumeExpandController,
  persistentVolumeBinder,
  localPathProvisioner,
  claimProtectionController,
  volumeProtectionController,
  attributesClassProtectionController,
];
