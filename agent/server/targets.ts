import type { ContainerStatus, Pod } from "../../client/types.ts";
import type { RuntimeContainer, SandboxStatus } from "../runtime/seam.ts";

/** Which container a request means, or why there is none: the kubelet's words and codes. Pure. */
export type Found =
  | { readonly container: RuntimeContainer }
  | { readonly code: number; readonly missing: string };

export interface Asked {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

interface Known {
  readonly pods: readonly Pod[];
  readonly containers: readonly RuntimeContainer[];
}

/** `/verb/namespace/pod/container`, or `/portForward/namespace/pod`; `undefined` for any other path. */
export function askedOf(pathname: string): (Asked & { readonly verb: string }) | undefined {
  const parts = decodedParts(pathname);
  const [first, verb = "", namespace = "", pod = "", container = "", ...more] = parts ?? [];
  const isWhole = verb === "portForward" ? container === "" : container !== "";
  if (first !== "" || more.length > 0 || namespace === "" || pod === "" || !isWhole) return undefined;
  return { verb, namespace, pod, container };
}

function decodedParts(pathname: string): readonly string[] | undefined {
  try {
    return pathname.split("/").map(decodeURIComponent);
  } catch {
    return undefined; // a malformed escape names nothing
  }
}

/** Which of a pod's sandboxes a connection to one of its ports goes to: the newest. */
export function forwardTarget(
  asked: Asked,
  known: { readonly pods: readonly Pod[]; readonly sandboxes: readonly SandboxStatus[] },
): { readonly sandboxId: string } | { readonly code: number; readonly missing: string } {
  const { namespace, pod: podName } = asked;
  const pod = podOf(asked, known);
  if (pod === undefined) return { code: 404, missing: "pod does not exist" };
  const [newest] = known.sandboxes
    .filter((one) => one.pod.uid === pod.metadata.uid)
    .sort((a, b) => b.attempt - a.attempt);
  if (newest === undefined) return { code: 500, missing: `pod not found ("${podName}_${namespace}")` };
  return { sandboxId: newest.id };
}

export function logTarget(asked: Asked, previous: boolean, known: Known): Found {
  const { container: name, pod: podName } = asked;
  const runs = runsOf(asked, known);
  const [newest] = runs;
  const pod = podOf(asked, known);
  if (newest === undefined && pod === undefined) return missing(404, `pod "${podName}" does not exist`);
  if (newest === undefined && pod !== undefined && !isDeclared(pod, name))
    return missing(404, `container "${name}" not found in pod "${podName}"`);
  if (previous) {
    const before = newest && runs.find((one) => one.attempt < newest.attempt);
    if (before !== undefined) return { container: before };
    return missing(400, `previous terminated container "${name}" in pod "${podName}" not found`);
  }
  if (newest !== undefined) return { container: newest };
  return missing(400, `container "${name}" in pod "${podName}" ${waitingText(pod, name)}`);
}

/** A command runs only in a running container; one that ran and has ended can still be attached to, for what it said. */
export function sessionTarget(verb: "exec" | "attach", asked: Asked, known: Known): Found {
  const { container: name, namespace, pod: podName } = asked;
  const runs = runsOf(asked, known);
  const [newest] = runs;
  const found =
    verb === "exec"
      ? runs.find(({ state }) => state.phase === "running")
      : newest?.state.phase === "exited" && newest.state.reason === "StartError"
        ? undefined
        : newest;
  if (found !== undefined) return { container: found };
  if (podOf(asked, known) === undefined) return missing(404, "pod does not exist");
  return missing(
    500,
    verb === "exec"
      ? `container not found ("${name}")`
      : `container ${name} not found in pod ${podName}_${namespace}`,
  );
}

const missing = (code: number, text: string): Found => ({ code, missing: text });

/** The container's runs that were started, newest first. */
function runsOf({ namespace, pod, container }: Asked, { containers }: Known): readonly RuntimeContainer[] {
  return containers
    .filter(
      (one) =>
        one.pod.namespace === namespace &&
        one.pod.name === pod &&
        one.name === container &&
        one.state.phase !== "created",
    )
    .sort((a, b) => b.createdAtMs - a.createdAtMs || b.attempt - a.attempt);
}

function podOf({ namespace, pod }: Asked, { pods }: Pick<Known, "pods">): Pod | undefined {
  return pods.find(({ metadata }) => metadata.namespace === namespace && metadata.name === pod);
}

function isDeclared({ spec }: Pod, name: string): boolean {
  const { containers, initContainers = [], ephemeralContainers = [] } = spec;
  return [...containers, ...initContainers, ...ephemeralContainers].some((one) => one.name === name);
}

function waitingText(pod: Pod | undefined, name: string): string {
  const {
    containerStatuses = [],
    initContainerStatuses = [],
    ephemeralContainerStatuses = [],
  } = pod?.status ?? {};
  const all: readonly ContainerStatus[] = [
    ...containerStatuses,
    ...initContainerStatuses,
    ...ephemeralContainerStatuses,
  ];
  const state = all.find((one) => one.name === name)?.state;
  if (state?.terminated !== undefined) return "is terminated";
  const reason = state?.waiting?.reason ?? "";
  if (reason === "ErrImagePull") return "is waiting to start: image can't be pulled";
  if (reason === "ImagePullBackOff") return "is waiting to start: trying and failing to pull image";
  if (reason !== "") return `is waiting to start: ${reason}`;
  // Nothing was reported yet: what the first report will say.
  const waitsForInit = (pod?.spec.initContainers ?? []).length > 0;
  return `is waiting to start: ${waitsForInit ? "PodInitializing" : "ContainerCreating"}`;
}
