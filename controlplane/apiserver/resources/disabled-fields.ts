import type {
  ContainerStatus,
  EndpointSlice,
  Lease,
  Node,
  Pod,
  PodSpec,
  PodTemplateSpec,
} from "../../../client/types.ts";
import type { ValidationContext } from "../registry/kind.ts";
import { sameValue } from "../schema/same-value.ts";
import { podContainers } from "./pod-defaults.ts";

/** Fields of features that are off in Kubernetes 1.36 (or were taken out of it): left out of what is stored, without a word,
 *  as Kubernetes does. What an object has already, from the time of a server that had the feature on, it keeps. All mutate
 *  `next`. */

export function dropDisabledPod(next: Pod, current?: Pod, context?: ValidationContext): void {
  dropDisabledPodSpec(next.spec, current?.spec, context);
  const { status } = next;
  if (status === undefined) return;
  const before = current?.status;
  // DRANodeAllocatableResources
  if (before?.nodeAllocatableResourceClaimStatuses === undefined)
    delete status.nodeAllocatableResourceClaimStatuses;
  // ImageVolumeWithDigest
  const mounts = (from: typeof status) => containerStatuses(from).flatMap((one) => one.volumeMounts ?? []);
  if (before === undefined || mounts(before).every(({ volumeStatus }) => volumeStatus === undefined))
    for (const mount of mounts(status)) delete mount.volumeStatus;
}

export function dropDisabledTemplate(
  next: { readonly spec: { readonly template?: PodTemplateSpec } },
  current?: { readonly spec: { readonly template?: PodTemplateSpec } },
  context?: ValidationContext,
): void {
  const spec = next.spec.template?.spec;
  if (spec !== undefined) dropDisabledPodSpec(spec, current?.spec.template?.spec, context);
}

function dropDisabledPodSpec(next: PodSpec, current?: PodSpec, context?: ValidationContext): void {
  // GenericWorkload
  if (current?.schedulingGroup === undefined) delete next.schedulingGroup;
  const trusts = context?.features?.has("ClusterTrustBundleProjection") === true;
  // PodCertificateRequest
  for (const kind of trusts
    ? (["podCertificate"] as const)
    : (["clusterTrustBundle", "podCertificate"] as const))
    if (!projections(current).some((source) => source[kind] !== undefined))
      for (const source of projections(next)) delete source[kind];
  if (context?.features?.has("ContainerStopSignals")) return;
  const stops = current !== undefined && podContainers(current).some((one) => one.lifecycle?.stopSignal);
  if (!stops) for (const container of podContainers(next)) dropStopSignal(container);
}

const projections = (spec: PodSpec | undefined) =>
  (spec?.volumes ?? []).flatMap(({ projected }) => projected?.sources ?? []);

const containerStatuses = (status: NonNullable<Pod["status"]>): readonly ContainerStatus[] => [
  ...(status.initContainerStatuses ?? []),
  ...(status.containerStatuses ?? []),
  ...(status.ephemeralContainerStatuses ?? []),
];

function dropStopSignal(container: PodSpec["containers"][number]): void {
  const { lifecycle } = container;
  if (lifecycle?.stopSignal === undefined) return;
  delete lifecycle.stopSignal;
  if (Object.keys(lifecycle).length === 0) delete container.lifecycle;
}

/** DynamicKubeletConfig, which is gone since release 1.26. */
export function dropDisabledNode({ spec, status }: Node, current?: Node): void {
  if (spec !== undefined && current?.spec?.configSource === undefined) delete spec.configSource;
  if (status !== undefined && current?.status?.config === undefined) delete status.config;
}

/** CoordinatedLeaderElection. */
export function dropDisabledLease({ spec }: Lease, current?: Lease): void {
  if (current?.spec?.strategy === undefined) delete spec?.strategy;
  if (current?.spec?.preferredHolder === undefined) delete spec?.preferredHolder;
}

const hostnameLabel = "kubernetes.io/hostname";

/** What discovery.k8s.io/v1beta1 kept of an endpoint's place cannot be written through v1; the node that it names for an
 *  endpoint is carried over to `nodeName`. */
export function dropDeprecatedTopology({ endpoints }: EndpointSlice, current?: EndpointSlice): void {
  if (current !== undefined && sameValue(endpoints, current.endpoints)) return;
  const before = (current?.endpoints ?? []).map((one) => one.deprecatedTopology?.[hostnameLabel]);
  for (const one of endpoints ?? []) {
    const node = one.deprecatedTopology?.[hostnameLabel];
    if (one.nodeName === undefined && node !== undefined && before.includes(node)) one.nodeName = node;
    delete one.deprecatedTopology;
  }
}
