import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describeError } from "../../base/os/log.ts";
import { makeFolder } from "../../base/os/make-folder.ts";
import type { Container, Pod } from "../../client/types.ts";
import { hostDevices } from "../devices/host-devices.ts";
import { writeLabels } from "../logs/log-labels.ts";
import { linkLog } from "../logs/log-links.ts";
import { runHook } from "../probes/run-hook.ts";
import type { Mount } from "../runtime/seam.ts";
import { containerConfig } from "./container-config.ts";
import { ConfigError, environmentOf } from "./environment.ts";
import { imageVolumes } from "./image-volumes.ts";
import { findEphemeral, latest } from "./observed.ts";
import { fieldPathOf, logFolder, type PodContext } from "./pod-context.ts";
import { podCredentials } from "./pod-credentials.ts";
import { unsupportedOfEphemeral, unsupportedText } from "./unsupported-fields.ts";

/** A container that cannot be started now: the waiting reason of its status. */
export class StartRefused extends Error {
  override readonly name = "StartRefused";
  readonly reason:
    | "CreateContainerConfigError"
    | "CreateContainerError"
    | "RunContainerError"
    | "PostStartHookError";
  /** Of a container that was started all the same, and is to be stopped. */
  readonly runningId: string | undefined;

  constructor(reason: StartRefused["reason"], message: string, runningId?: string) {
    super(message);
    this.reason = reason;
    this.runningId = runningId;
  }

  /** The container exists: its start counts as a run that ended, with its back-off. */
  get isExit(): boolean {
    return this.reason === "RunContainerError" || this.reason === "PostStartHookError";
  }
}

export interface StartRequest {
  readonly pod: Pod;
  readonly container: Container;
  readonly attempt: number;
  readonly sandboxId: string;
  readonly podIp: string;
  readonly secondIp?: string | undefined;
  readonly signal: AbortSignal;
}

/** A hook after the start may take as long as it likes; this is the longest that a timer can wait. */
const hookMs = 2 ** 31 - 1;

/** Image, environment, mounts, start, postStart hook. Answers the container's id. Rejects with ImageUnavailable or
 *  StartRefused. */
export async function startContainer(request: StartRequest, context: PodContext): Promise<string> {
  const { pod, container, attempt, sandboxId, podIp, secondIp } = request;
  const { events, runtime } = context;
  const fieldPath = fieldPathOf(pod, container.name);
  const event = (type: "Normal" | "Warning", reason: string, message: string) =>
    events.record(pod, { type, reason, message, fieldPath });
  const image = await context.images.ensure({
    image: container.image ?? "",
    podUid: pod.metadata.uid,
    policy: container.imagePullPolicy,
    credentialsFor: (reference) => podCredentials(pod, reference, context),
    onEvent: event,
    signal: request.signal,
  });
  const mountedImages = await imageVolumes(request, context);
  const imageFolders = new Map([...mountedImages].map(([name, { folder }]) => [name, folder]));
  const refuse = (reason: StartRefused["reason"]) => (error: unknown) => {
    event("Warning", "Failed", `Error: ${describeError(error)}`);
    throw new StartRefused(
      error instanceof ConfigError ? "CreateContainerConfigError" : reason,
      describeError(error),
    );
  };
  const logDir = logFolder(context.logsDir, pod, container.name);
  await makeFolder(logDir, 0o755);
  const { nodeIp, secondNodeIp, allocatable } = context;
  const fields = { nodeIp, secondNodeIp, podIp, secondIp, allocatable };
  const env = await environmentOf(pod, container, fields, {
    sources: context.sources,
    services: context.services(),
    fileText: (volume, path) => context.volumes.textOf(pod, volume, path),
  }).catch(refuse("CreateContainerConfigError"));
  const access = await context.devices
    ?.access(pod, container, request.signal)
    .catch(refuse("CreateContainerConfigError"));
  const pidOf = await targetId(request, runtime).catch(refuse("CreateContainerConfigError"));
  const imageTrees = image.isMergedByRuntime === true ? [] : await context.imageStore.lowerDirs(image.id);
  const config = await context.volumes
    .mountsOf(pod, container, { env: new Map(env), imageFolders, signal: request.signal })
    .then(async (mounts) =>
      containerConfig({
        pod,
        container,
        image,
        attempt,
        env,
        devices: [
          ...(await context.volumes.devicesOf(pod, container, request.signal)),
          ...(await hostDevices(access?.devices ?? [])),
        ],
        access,
        mounts: [...mounts, await terminationMount(pod, container, attempt, context)],
        logPath: join(logDir, `${attempt}.log`),
        imageTrees,
        imageVolumeIds: [...mountedImages.values()].map(({ imageId }) => imageId),
        nodeMemoryBytes: context.nodeMemoryBytes,
        cpus: context.cpus?.cpusOf(pod.metadata.uid, container.name),
        memoryNumas: context.memory?.numasOf(pod.metadata.uid, container.name),
        clusterDomain: context.dns.domain,
        pidOf,
      }),
    )
    .catch(refuse("CreateContainerConfigError"));
  await writeLabels(logDir, attempt, pod.metadata.labels ?? {});
  const id = await runtime.createContainer(sandboxId, config).catch(refuse("CreateContainerError"));
  await linkLog(context.logsDir, { pod: pod.metadata, name: container.name, attempt, id });
  event("Normal", "Created", `Created container: ${container.name}`);
  await runtime.startContainer(id).catch(refuse("RunContainerError"));
  event("Normal", "Started", `Started container ${container.name}`);
  const hook = container.lifecycle?.postStart;
  if (hook) {
    const limits = { timeoutMs: hookMs, signal: request.signal };
    const result = await runHook(hook, { containerId: id, container, podIp }, limits, {
      runtime,
      clock: context.os.clock,
    });
    if (result.warning !== undefined) context.events.record(pod, { type: "Warning", ...result.warning });
    if (!result.ok) {
      request.signal.throwIfAborted();
      // Not the hook's output: it may hold secrets, and anybody may read events.
      event("Warning", "FailedPostStartHook", "PostStartHook failed");
      throw new StartRefused("PostStartHookError", result.message, id);
    }
  }
  return id;
}

/** The container whose processes an ephemeral one is to see; it is refused where it asks for what no container gets here. */
async function targetId(
  { pod, container, sandboxId }: StartRequest,
  runtime: PodContext["runtime"],
): Promise<string | undefined> {
  const unsupported = unsupportedOfEphemeral(pod, container.name);
  if (unsupported.length > 0) throw new ConfigError(unsupportedText(unsupported));
  const target = findEphemeral(pod, container.name)?.targetContainerName;
  if (!target) return undefined;
  const containers = runtime.listContainers().filter((one) => one.pod.uid === pod.metadata.uid);
  const found = latest({ sandboxes: [], containers }, target, sandboxId);
  if (found === undefined) throw new ConfigError(`unable to find target container ${target}`);
  return found.id;
}

/** The file that the container may leave its last words in, whoever it runs as. */
async function terminationMount(
  pod: Pod,
  container: Container,
  attempt: number,
  context: PodContext,
): Promise<Mount> {
  const folder = join(context.volumes.podDir(pod.metadata.uid), "termination", container.name);
  await makeFolder(folder, 0o755);
  const hostPath = join(folder, String(attempt));
  await writeFile(hostPath, "");
  await chmod(hostPath, 0o666);
  return {
    hostPath,
    containerPath: container.terminationMessagePath ?? "/dev/termination-log",
    readOnly: false,
  };
}
