import { goDurationText } from "../base/go-duration-text.ts";
import type { FlagValues } from "../base/os/flags.ts";
import type { AgentConfig, agentFlags } from "./flags.ts";
import { binaryText } from "./memory/huge-pages.ts";
import { keepMs } from "./server/access/node-access.ts";

type Flags = FlagValues<typeof agentFlags>;

/** The node's settings as KubeletConfiguration (kubelet.config.k8s.io/v1beta1), which programs read at /configz: those that it
 *  has a field for. Pure. */
export function kubeletConfiguration(
  flags: Flags,
  { address, clusterDomain, memory, podCidr, podProcessesMost, taints }: Omit<AgentConfig, "kubelet">,
): object {
  return {
    kind: "KubeletConfiguration",
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    enableServer: true,
    staticPodPath: flags["pod-manifest-path"],
    fileCheckFrequency: goDurationText(flags["file-check-frequency"]),
    address,
    port: flags.port,
    tlsCertFile: flags["tls-cert-file"],
    tlsPrivateKeyFile: flags["tls-private-key-file"],
    authentication: {
      x509: { clientCAFile: flags["client-ca-file"] },
      webhook: { enabled: true, cacheTTL: goDurationText(keepMs.caller) },
      anonymous: { enabled: false },
    },
    authorization: {
      mode: "Webhook",
      webhook: {
        cacheAuthorizedTTL: goDurationText(keepMs.allowed),
        cacheUnauthorizedTTL: goDurationText(keepMs.forbidden),
      },
    },
    clusterDomain,
    clusterDNS: flags["cluster-dns"],
    nodeStatusUpdateFrequency: goDurationText(flags["node-status-update-frequency"]),
    nodeStatusMaxImages: flags["node-status-max-images"],
    nodeLeaseDurationSeconds: flags["node-lease-duration-seconds"],
    imageMinimumGCAge: goDurationText(flags["minimum-image-ttl-duration"]),
    imageMaximumGCAge: goDurationText(flags["maximum-image-gc-age"]),
    imageGCHighThresholdPercent: flags["image-gc-high-threshold"],
    imageGCLowThresholdPercent: flags["image-gc-low-threshold"],
    cpuManagerPolicy: flags["cpu-manager-policy"],
    cpuManagerPolicyOptions: mapOf(flags["cpu-manager-policy-options"]),
    memoryManagerPolicy: flags["memory-manager-policy"],
    reservedMemory: [...memory.reserved].map(([numaNode, types]) => ({
      numaNode,
      limits: Object.fromEntries([...types].map(([type, bytes]) => [type, binaryText(bytes)])),
    })),
    topologyManagerPolicy: flags["topology-manager-policy"],
    topologyManagerScope: flags["topology-manager-scope"],
    maxPods: flags["max-pods"],
    podCIDR: podCidr,
    podPidsLimit: podProcessesMost ?? -1,
    resolvConf: flags["resolv-conf"],
    serializeImagePulls: flags["serialize-image-pulls"],
    maxParallelImagePulls: flags["max-parallel-image-pulls"] || undefined,
    evictionHard: mapOf(flags["eviction-hard"], "<"),
    evictionSoft: mapOf(flags["eviction-soft"], "<"),
    evictionSoftGracePeriod: mapOf(flags["eviction-soft-grace-period"]),
    evictionPressureTransitionPeriod: goDurationText(flags["eviction-pressure-transition-period"]),
    evictionMaxPodGracePeriod: flags["eviction-max-pod-grace-period"],
    evictionMinimumReclaim: mapOf(flags["eviction-minimum-reclaim"]),
    containerLogMaxSize: flags["container-log-max-size"],
    containerLogMaxFiles: flags["container-log-max-files"],
    systemReserved: mapOf(flags["system-reserved"]),
    kubeReserved: mapOf(flags["kube-reserved"]),
    reservedSystemCPUs: flags["reserved-cpus"],
    enforceNodeAllocatable: flags["enforce-node-allocatable"],
    allowedUnsafeSysctls: flags["allowed-unsafe-sysctls"],
    providerID: flags["provider-id"],
    shutdownGracePeriod: goDurationText(flags["shutdown-grace-period"]),
    shutdownGracePeriodCriticalPods: goDurationText(flags["shutdown-grace-period-critical-pods"]),
    registerWithTaints: taints,
    registerNode: true,
    containerRuntimeEndpoint: flags["container-runtime-endpoint"] ?? "",
    imageServiceEndpoint: flags["image-service-endpoint"],
  };
}

/** Of texts such as `memory.available<100Mi`; the rules of the flags have looked at them. */
function mapOf(texts: readonly string[], between = "="): Record<string, string> | undefined {
  if (texts.length === 0) return undefined;
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf(between);
      return [text.slice(0, at), text.slice(at + between.length)];
    }),
  );
}
