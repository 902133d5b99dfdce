import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describeError } from "../../base/os/log.ts";
import { isNotFound } from "../../client/api-error.ts";
import { resources } from "../../client/resources.ts";
import type { Container, Pod } from "../../client/types.ts";
import type { Credentials } from "../images/registry.ts";
import { runProbe } from "../probes/run-probe.ts";
import type { Mount } from "../runtime/seam.ts";
import { containerConfig } from "./container-config.ts";
import { ConfigError, environmentOf } from "./environment.ts";
import { fieldPathOf, logFolder, type PodContext } from "./pod-context.ts";

/** A container that cannot be started now: the waiting reason of its status. */
export class StartRefused extends Error {
  override readonly name = "StartRefused";
  readonly reason:
    | "CreateContainerConfigError"
    | "CreateContainerError"
    | "RunContainerError"
    | "PostStartHookError";

  constructor(reason: StartRefused["reason"], message: string) {
    super(message);
    this.reason = reason;
  }
}

export interface StartRequest {
  readonly pod: Pod;
  readonly container: Container;
  readonly attempt: number;
  readonly sandboxId: string;
  readonly podIp: string;
  readonly signal: AbortSignal;
}

const hookMs = 30_000;

/** Image, environment, mounts, start, postStart hook. Answers the container's id. Rejects with ImageUnavailable or
 *  StartRefused. */
export async function startContainer(request: StartRequest, context: PodContext): Promise<string> {
  const { pod, container, attempt, sandboxId, podIp } = request;
  const { events, runtime } = context;
  const fieldPath = fieldPathOf(pod, container.name);
  const event = (type: "Normal" | "Warning", reason: string, message: string) =>
    events.record(pod, { type, reason, message, fieldPath });
  const image = await context.images.ensure({
    image: container.image ?? "",
    policy: container.imagePullPolicy,
    credentialsFor: (registry) => pullCredentials(pod, registry, context),
    onEvent: event,
    signal: request.signal,
  });
  const refuse = (reason: StartRefused["reason"]) => (error: unknown) => {
    event("Warning", "Failed", `Error: ${describeError(error)}`);
    throw new StartRefused(
      error instanceof ConfigError ? "CreateContainerConfigError" : reason,
      describeError(error),
    );
  };
  const logDir = logFolder(context.logsDir, pod, container.name);
  await mkdir(logDir, { recursive: true, mode: 0o755 });
  const fields = { nodeIp: context.nodeIp, podIp, allocatable: context.allocatable };
  const env = await environmentOf(pod, container, fields, {
    sources: context.sources,
    services: context.services(),
  }).catch(refuse("CreateContainerConfigError"));
  const [imageRoot = "/"] = await context.imageStore.lowerDirs(image.id);
  const config = await context.volumes
    .mountsOf(pod, container, new Map(env))
    .then(async (mounts) =>
      containerConfig({
        pod,
        container,
        image,
        attempt,
        env,
        mounts: [...mounts, await terminationMount(pod, container, attempt, context)],
        logPath: join(logDir, `${attempt}.log`),
        imageRoot,
        nodeMemoryBytes: context.nodeMemoryBytes,
      }),
    )
    .catch(refuse("CreateContainerConfigError"));
  const id = await runtime.createContainer(sandboxId, config).catch(refuse("CreateContainerError"));
  event("Normal", "Created", `Created container: ${container.name}`);
  await runtime.startContainer(id).catch(refuse("RunContainerError"));
  event("Normal", "Started", `Started container ${container.name}`);
  const hook = container.lifecycle?.postStart;
  if (hook) {
    const result = await runProbe(hook, { containerId: id, container, podIp }, hookMs, runtime);
    if (!result.ok) {
      event("Warning", "FailedPostStartHook", `PostStartHook failed: ${result.message}`);
      await runtime.stopContainer(id, pod.spec.terminationGracePeriodSeconds ?? 30);
      throw new StartRefused("PostStartHookError", result.message);
    }
  }
  return id;
}

/** The file that the container may leave its last words in. */
async function terminationMount(
  pod: Pod,
  container: Container,
  attempt: number,
  context: PodContext,
): Promise<Mount> {
  const folder = join(context.volumes.podDir(pod.metadata.uid), "termination", container.name);
  await mkdir(folder, { recursive: true, mode: 0o755 });
  const hostPath = join(folder, String(attempt));
  await writeFile(hostPath, "", { mode: 0o666 });
  return {
    hostPath,
    containerPath: container.terminationMessagePath ?? "/dev/termination-log",
    readOnly: false,
  };
}

/** What the pod's imagePullSecrets hold for a registry. */
async function pullCredentials(
  pod: Pod,
  registry: string,
  { client }: PodContext,
): Promise<Credentials | undefined> {
  for (const { name } of pod.spec.imagePullSecrets ?? []) {
    if (name === undefined) continue;
    const secret = await client
      .get(resources.secrets, { namespace: pod.metadata.namespace, name })
      .catch((error: unknown) => {
        if (isNotFound(error)) return undefined; // as the kubelet does: try without
        throw error;
      });
    const text = Buffer.from(secret?.data?.[".dockerconfigjson"] ?? "", "base64").toString("utf8");
    if (text === "") continue;
    const found = credentialsIn(JSON.parse(text), registry);
    if (found !== undefined) return found;
  }
  return undefined;
}

interface DockerConfig {
  readonly auths?: Readonly<
    Record<string, { readonly username?: string; readonly password?: string; readonly auth?: string }>
  >;
}

export function credentialsIn(config: DockerConfig, registry: string): Credentials | undefined {
  for (const [key, entry] of Object.entries(config.auths ?? {})) {
    const host = key.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
    if (host !== registry && !(registry === "docker.io" && host === "index.docker.io")) continue;
    const [username = "", ...rest] = Buffer.from(entry.auth ?? "", "base64")
      .toString("utf8")
      .split(":");
    return { username: entry.username ?? username, password: entry.password ?? rest.join(":") };
  }
  return undefined;
}
