import type { Container, PodSpec, PodTemplateSpec, Probe, Volume } from "../../../client/types.ts";
import { leftOut } from "../schema/go-form.ts";
import { defaultPodLevelResources } from "./pod-level-defaults.ts";
import { defaultVolumeSource } from "./volume-source-defaults.ts";

/** Defaults of pods: those of their spec, and those that templates do not have, so that revisions of templates stay as they
 *  were written. */
export function defaultPod(spec: PodSpec): void {
  defaultPodSpec(spec);
  // Clients of old asked for the shortest grace so.
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) spec.terminationGracePeriodSeconds = 1;
  spec.enableServiceLinks ??= true;
  for (const container of [...(spec.initContainers ?? []), ...(spec.containers ?? [])]) {
    defaultRequests(container);
    for (const port of container.ports ?? [])
      if (spec.hostNetwork === true) port.hostPort ??= port.containerPort;
  }
  defaultPodLevelResources(spec);
}

/** Defaults of everything that carries a pod spec, as Kubernetes' core/v1 defaulting sets them. */
export function defaultPodSpec(spec: PodSpec): void {
  // Validation refuses a pod that has none; until then there is a list for all who look.
  spec.containers ??= leftOut;
  spec.dnsPolicy ??= "ClusterFirst";
  spec.restartPolicy ??= "Always";
  spec.terminationGracePeriodSeconds ??= 30;
  spec.schedulerName ??= "default-scheduler";
  spec.securityContext ??= {};
  // The old name stands beside the new one, as old clients still read it.
  if (spec.serviceAccountName === undefined && spec.serviceAccount !== undefined)
    spec.serviceAccountName = spec.serviceAccount;
  if (spec.serviceAccountName !== undefined && spec.serviceAccount !== spec.serviceAccountName)
    spec.serviceAccount = spec.serviceAccountName;
  for (const container of podContainers(spec)) defaultContainer(container);
  for (const volume of spec.volumes ?? []) defaultVolume(volume);
}

/** The template of a workload, which may have been left out altogether; validation says what is missing in it. */
export function defaultTemplate(spec: { template?: PodTemplateSpec }): void {
  spec.template ??= {};
  spec.template.spec ??= { containers: leftOut };
  defaultPodSpec(spec.template.spec);
}

/** Containers of all three sorts. */
export function podContainers(spec: PodSpec): readonly Container[] {
  const ephemeral: readonly Container[] = spec.ephemeralContainers ?? [];
  return [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...ephemeral];
}

function defaultContainer(container: Container): void {
  container.resources ??= {};
  container.terminationMessagePath ??= "/dev/termination-log";
  container.terminationMessagePolicy ??= "File";
  container.imagePullPolicy ??= pullPolicyFor(container.image ?? "");
  for (const port of container.ports ?? []) port.protocol ??= "TCP";
  for (const one of container.env ?? []) {
    if (one.valueFrom?.fieldRef !== undefined) one.valueFrom.fieldRef.apiVersion ??= "v1";
    if (one.valueFrom?.fileKeyRef !== undefined) one.valueFrom.fileKeyRef.optional ??= false;
    const resource = one.valueFrom?.resourceFieldRef;
    if (resource !== undefined) resource.divisor ??= "0";
  }
  for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe]) {
    if (probe !== undefined) defaultProbe(probe);
  }
  for (const handler of [container.lifecycle?.postStart, container.lifecycle?.preStop]) {
    if (handler?.httpGet !== undefined) defaultHttpGet(handler.httpGet);
  }
}

/** What is limited but not requested is requested in full. */
function defaultRequests({ resources }: Container): void {
  if (resources?.limits === undefined) return;
  resources.requests ??= {};
  for (const [name, limit] of Object.entries(resources.limits)) resources.requests[name] ??= limit;
}

/** `latest` may change behind its name, so it is pulled always. What is no image's name has no tag. */
export function pullPolicyFor(image: string): "Always" | "IfNotPresent" {
  if (image.includes("@") || !imageName.test(image)) return "IfNotPresent";
  const tag = /:([^:/]+)$/.exec(image)?.[1];
  return tag === undefined || tag === "latest" ? "Always" : "IfNotPresent";
}

const part = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
const imageName = new RegExp(
  `^(?:[A-Za-z0-9][A-Za-z0-9.-]*(?::\\d+)?/|\\[[0-9a-fA-F:]+\\](?::\\d+)?/)?${part}(?:/${part})*(?::\\w[\\w.-]{0,127})?$`,
);

function defaultProbe(probe: Probe): void {
  probe.timeoutSeconds ??= 1;
  probe.periodSeconds ??= 10;
  probe.successThreshold ??= 1;
  probe.failureThreshold ??= 3;
  if (probe.httpGet !== undefined) defaultHttpGet(probe.httpGet);
  if (probe.grpc !== undefined) probe.grpc.service ??= "";
}

function defaultHttpGet(action: { path?: string; scheme?: string }): void {
  action.path ??= "/";
  action.scheme ??= "HTTP";
}

const fileMode = 0o644;

function defaultVolume(volume: Volume): void {
  const source = Object.keys(volume).some((key) => key !== "name");
  if (!source) volume.emptyDir = {};
  if (volume.configMap !== undefined) volume.configMap.defaultMode ??= fileMode;
  if (volume.secret !== undefined) volume.secret.defaultMode ??= fileMode;
  if (volume.downwardAPI !== undefined) {
    volume.downwardAPI.defaultMode ??= fileMode;
    for (const item of volume.downwardAPI.items ?? []) {
      if (item.fieldRef !== undefined) item.fieldRef.apiVersion ??= "v1";
    }
  }
  if (volume.projected !== undefined) defaultProjected(volume.projected);
  if (volume.image !== undefined) volume.image.pullPolicy ??= pullPolicyFor(volume.image.reference ?? "");
  const claim = volume.ephemeral?.volumeClaimTemplate?.spec;
  if (claim !== undefined) claim.volumeMode ??= "Filesystem";
  defaultVolumeSource(volume);
}

function defaultProjected(projected: NonNullable<Volume["projected"]>): void {
  projected.defaultMode ??= fileMode;
  for (const source of projected.sources ?? []) {
    if (source.serviceAccountToken !== undefined) source.serviceAccountToken.expirationSeconds ??= 3600;
    for (const item of source.downwardAPI?.items ?? []) {
      if (item.fieldRef !== undefined) item.fieldRef.apiVersion ??= "v1";
    }
  }
}
