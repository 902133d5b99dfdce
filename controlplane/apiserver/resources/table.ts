import type { Feature } from "../features.ts";
import type { Kind } from "../registry/kind.ts";
import { apiServices } from "./apiservices.ts";
import { certificateSigningRequests } from "./certificatesigningrequests.ts";
import { clusterTrustBundles } from "./clustertrustbundles.ts";
import { componentStatuses } from "./componentstatuses.ts";
import { configMaps } from "./configmaps.ts";
import { controllerRevisions } from "./controllerrevisions.ts";
import { cronJobs } from "./cronjobs.ts";
import { csiDrivers } from "./csidrivers.ts";
import { csiNodes } from "./csinodes.ts";
import { csiStorageCapacities } from "./csistoragecapacities.ts";
import { customResourceDefinitions } from "./customresourcedefinitions.ts";
import { daemonSets } from "./daemonsets.ts";
import { deployments } from "./deployments.ts";
import { deviceClasses } from "./deviceclasses.ts";
import { endpointSlices, endpoints } from "./endpoints.ts";
import { events } from "./events.ts";
import { flowSchemas } from "./flowschemas.ts";
import { horizontalPodAutoscalers } from "./horizontalpodautoscalers.ts";
import { ingressClasses } from "./ingressclasses.ts";
import { ingresses } from "./ingresses.ts";
import { ipAddresses } from "./ipaddresses.ts";
import { jobs } from "./jobs.ts";
import { leases } from "./leases.ts";
import { limitRanges } from "./limitranges.ts";
import { mutatingAdmissionPolicies, mutatingAdmissionPolicyBindings } from "./mutatingadmissionpolicies.ts";
import { namespaces } from "./namespaces.ts";
import { networkPolicies } from "./networkpolicies.ts";
import { nodes } from "./nodes.ts";
import { persistentVolumeClaims } from "./persistentvolumeclaims.ts";
import { persistentVolumes } from "./persistentvolumes.ts";
import { podDisruptionBudgets } from "./poddisruptionbudgets.ts";
import { pods } from "./pods.ts";
import { podTemplates } from "./podtemplates.ts";
import { priorityClasses } from "./priorityclasses.ts";
import { priorityLevelConfigurations } from "./prioritylevelconfigurations.ts";
import { replicaSets } from "./replicasets.ts";
import { replicationControllers } from "./replicationcontrollers.ts";
import { resourceClaims } from "./resourceclaims.ts";
import { resourceClaimTemplates } from "./resourceclaimtemplates.ts";
import { resourceQuotas } from "./resourcequotas.ts";
import { resourceSlices } from "./resourceslices.ts";
import {
  localSubjectAccessReviews,
  selfSubjectAccessReviews,
  selfSubjectReviews,
  selfSubjectRulesReviews,
  subjectAccessReviews,
  tokenReviews,
} from "./reviews.ts";
import { clusterRoleBindings, roleBindings } from "./role-bindings.ts";
import { clusterRoles, roles } from "./roles.ts";
import { runtimeClasses } from "./runtimeclasses.ts";
import { secrets } from "./secrets.ts";
import { serviceAccounts } from "./serviceaccounts.ts";
import { serviceCidrs } from "./servicecidrs.ts";
import { services } from "./services.ts";
import { statefulSets } from "./statefulsets.ts";
import { storageClasses } from "./storageclasses.ts";
import {
  validatingAdmissionPolicies,
  validatingAdmissionPolicyBindings,
} from "./validatingadmissionpolicies.ts";
import { volumeAttachments } from "./volumeattachments.ts";
import { volumeAttributesClasses } from "./volumeattributesclasses.ts";
import { mutatingWebhookConfigurations, validatingWebhookConfigurations } from "./webhookconfigurations.ts";

/** Every kind that is served, in the order in which discovery lists them. */
export const kinds: readonly Kind[] = [
  configMaps,
  endpoints,
  events,
  limitRanges,
  namespaces,
  nodes,
  pods,
  podTemplates,
  replicationControllers,
  resourceQuotas,
  secrets,
  serviceAccounts,
  services,
  persistentVolumeClaims,
  persistentVolumes,
  componentStatuses,
  controllerRevisions,
  daemonSets,
  deployments,
  replicaSets,
  statefulSets,
  horizontalPodAutoscalers,
  cronJobs,
  jobs,
  certificateSigningRequests,
  leases,
  endpointSlices,
  podDisruptionBudgets,
  clusterRoleBindings,
  clusterRoles,
  roleBindings,
  roles,
  storageClasses,
  csiDrivers,
  csiNodes,
  csiStorageCapacities,
  volumeAttachments,
  volumeAttributesClasses,
  ingressClasses,
  ingresses,
  ipAddresses,
  networkPolicies,
  serviceCidrs,
  priorityClasses,
  runtimeClasses,
  flowSchemas,
  priorityLevelConfigurations,
  mutatingWebhookConfigurations,
  validatingWebhookConfigurations,
  mutatingAdmissionPolicies,
  mutatingAdmissionPolicyBindings,
  validatingAdmissionPolicies,
  validatingAdmissionPolicyBindings,
  deviceClasses,
  resourceClaims,
  resourceClaimTemplates,
  resourceSlices,
  customResourceDefinitions,
  apiServices,
  selfSubjectReviews,
  tokenReviews,
  localSubjectAccessReviews,
  selfSubjectAccessReviews,
  selfSubjectRulesReviews,
  subjectAccessReviews,
];

/** Kinds of features that are off in Kubernetes. */
export const kindsOfFeatures: ReadonlyMap<Feature, readonly Kind[]> = new Map([
  ["ClusterTrustBundle", [clusterTrustBundles]],
]);
