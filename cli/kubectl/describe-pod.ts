import type { Container, ContainerStatus, Pod, Probe, Volume } from "../../client/types.ts";
import { field, type Line, pairs } from "./page.ts";
import { timeText } from "./time-text.ts";

/** The page of a pod, up to its events. */
export function podPage(pod: Pod): readonly Line[] {
  const { metadata, spec, status = {} } = pod;
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  return [
    field("Name", metadata.name),
    field("Namespace", metadata.namespace),
    field("Priority", spec.priority ?? 0),
    field("Service Account", spec.serviceAccountName),
    field("Node", spec.nodeName && `${spec.nodeName}/${status.hostIP ?? ""}`),
    field("Start Time", timeText(status.startTime)),
    field("Labels", ...pairs(metadata.labels)),
    field("Annotations", ...pairs(metadata.annotations, ": ")),
    field(
      "Status",
      metadata.deletionTimestamp ? `Terminating (since ${metadata.deletionTimestamp})` : status.phase,
    ),
    ...(status.reason ? [field("Reason", status.reason)] : []),
    ...(status.message ? [field("Message", status.message)] : []),
    field("IP", status.podIP),
    ...(owner ? [field("Controlled By", `${owner.kind}/${owner.name}`)] : []),
    ...(spec.initContainers?.length
      ? [
          {
            heading: "Init Containers",
            lines: containerLines(spec.initContainers, status.initContainerStatuses),
          },
        ]
      : []),
    { heading: "Containers", lines: containerLines(spec.containers, status.containerStatuses) },
    ...(spec.ephemeralContainers?.length
      ? [
          {
            heading: "Ephemeral Containers",
            lines: containerLines(spec.ephemeralContainers, status.ephemeralContainerStatuses),
          },
        ]
      : []),
    {
      heading: "Conditions",
      table: [["Type", "Status"], ...(status.conditions ?? []).map((one) => [one.type, one.status])],
    },
    { heading: "Volumes", lines: (spec.volumes ?? []).map(volumeLine) },
    field("QoS Class", status.qosClass),
    field("Node-Selectors", ...pairs(spec.nodeSelector)),
    field("Tolerations", ...(spec.tolerations ?? []).map(tolerationText)),
  ];
}

type TolerationOf = NonNullable<Pod["spec"]["tolerations"]>[number];

function tolerationText({ key, operator, value, effect, tolerationSeconds }: TolerationOf): string {
  const what = `${key ?? ""}${value ? `=${value}` : ""}${effect ? `:${effect}` : ""}`;
  const how = operator === "Exists" ? " op=Exists" : "";
  return `${what}${how}${tolerationSeconds === undefined ? "" : ` for ${tolerationSeconds}s`}`.trim();
}

/** Containers with their state; also for pod templates, which have none. */
export function containerLines(
  containers: readonly Container[],
  statuses: readonly ContainerStatus[] | undefined,
): readonly Line[] {
  return containers.map((container) => {
    const status = statuses?.find(({ name }) => name === container.name);
    return { heading: container.name, lines: [...stateLines(container, status), ...specLines(container)] };
  });
}

function stateLines(container: Container, status: ContainerStatus | undefined): readonly Line[] {
  const image = field("Image", container.image);
  if (status === undefined) return [image];
  return [
    field("Container ID", status.containerID),
    image,
    field("Image ID", status.imageID),
    ...stateOf("State", status.state),
    ...(status.lastState?.terminated ? stateOf("Last State", status.lastState) : []),
    field("Ready", status.ready ? "True" : "False"),
    field("Restart Count", status.restartCount),
  ];
}

/** As kubectl shows it, and with what a waiting container waits for, which kubectl leaves out. */
function stateOf(title: string, state: ContainerStatus["state"]): readonly Line[] {
  const { running, terminated, waiting } = state ?? {};
  if (running) return [field(title, "Running"), field("  Started", timeText(running.startedAt))];
  if (terminated)
    return [
      field(title, "Terminated"),
      ...reasonLines(terminated),
      field("  Exit Code", terminated.exitCode),
      ...(terminated.signal ? [field("  Signal", terminated.signal)] : []),
      field("  Started", timeText(terminated.startedAt)),
      field("  Finished", timeText(terminated.finishedAt)),
    ];
  return [field(title, "Waiting"), ...reasonLines(waiting ?? {})];
}

function reasonLines({ reason, message }: { reason?: string; message?: string }): readonly Line[] {
  return [
    ...(reason ? [field("  Reason", reason)] : []),
    ...(message ? [field("  Message", ...message.split("\n"))] : []),
  ];
}

function specLines(container: Container): readonly Line[] {
  const { ports = [], command = [], args = [], resources = {}, env = [], volumeMounts = [] } = container;
  return [
    field(
      "Port",
      ports.map(({ containerPort, protocol = "TCP" }) => `${containerPort}/${protocol}`).join(", "),
    ),
    ...(command.length > 0 ? [field("Command", ...command)] : []),
    ...(args.length > 0 ? [field("Args", ...args)] : []),
    ...(resources.limits ? [field("Limits", ...pairs(resources.limits, ": "))] : []),
    ...(resources.requests ? [field("Requests", ...pairs(resources.requests, ": "))] : []),
    ...probeLine("Liveness", container.livenessProbe),
    ...probeLine("Readiness", container.readinessProbe),
    ...probeLine("Startup", container.startupProbe),
    field("Environment", ...env.map(envText)),
    field(
      "Mounts",
      ...volumeMounts.map(
        ({ name, mountPath, readOnly }) => `${mountPath} from ${name} (${readOnly ? "ro" : "rw"})`,
      ),
    ),
  ];
}

function envText({ name, value, valueFrom }: NonNullable<Container["env"]>[number]): string {
  const { configMapKeyRef, secretKeyRef, fieldRef, resourceFieldRef } = valueFrom ?? {};
  if (configMapKeyRef)
    return `${name}: <set to the key '${configMapKeyRef.key}' of config map '${configMapKeyRef.name}'>`;
  if (secretKeyRef) return `${name}: <set to the key '${secretKeyRef.key}' in secret '${secretKeyRef.name}'>`;
  if (fieldRef) return `${name}: (${fieldRef.apiVersion ?? "v1"}:${fieldRef.fieldPath})`;
  if (resourceFieldRef) return `${name}: (${resourceFieldRef.resource})`;
  return `${name}: ${value ?? ""}`;
}

function probeLine(title: string, probe: Probe | undefined): readonly Line[] {
  if (probe === undefined) return [];
  const { httpGet, tcpSocket, exec, grpc } = probe;
  const what = httpGet
    ? `http-get ${(httpGet.scheme ?? "HTTP").toLowerCase()}://${httpGet.host ?? ""}:${httpGet.port}${httpGet.path ?? ""}`
    : tcpSocket
      ? `tcp-socket ${tcpSocket.host ?? ""}:${tcpSocket.port}`
      : exec
        ? `exec [${(exec.command ?? []).join(" ")}]`
        : `grpc :${grpc?.port ?? ""}`;
  const times = `delay=${probe.initialDelaySeconds ?? 0}s timeout=${probe.timeoutSeconds ?? 1}s period=${probe.periodSeconds ?? 10}s`;
  const counts = `#success=${probe.successThreshold ?? 1} #failure=${probe.failureThreshold ?? 3}`;
  return [field(title, `${what} ${times} ${counts}`)];
}

export function volumeLine(volume: Volume): Line {
  const { name, ...source } = volume;
  const [kind, details] = Object.entries(source)[0] ?? ["unknown", {}];
  const parts = Object.entries(details ?? {})
    .filter(([, value]) => typeof value !== "object")
    .map(([key, value]) => `${key}=${value}`);
  return field(name, `${kind}${parts.length > 0 ? ` (${parts.join(", ")})` : ""}`);
}
