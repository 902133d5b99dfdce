import type { KubeObject } from "../api/object-feed.ts";
import { containersOf } from "./pods.ts";

/** A container that a terminal can be opened to. */
export interface TerminalContainer {
  readonly name: string;
  readonly isRunning: boolean;
  /** What its main process has. */
  readonly tty: boolean;
  readonly stdin: boolean;
}

interface ContainerSpec {
  readonly name: string;
  readonly tty?: boolean;
  readonly stdin?: boolean;
}

const annotation = "kubectl.kubernetes.io/default-container";

/** The containers of a pod, the one first that kubectl takes. Pure. */
export function terminalContainers(pod: KubeObject): readonly TerminalContainer[] {
  const specs = new Map(
    ["initContainers", "containers", "ephemeralContainers"]
      .flatMap((field) => (pod.spec?.[field] ?? []) as readonly ContainerSpec[])
      .map((one) => [one.name, one]),
  );
  const all = containersOf(pod).map(({ name, part, state }) => ({
    name,
    part,
    isRunning: state.startsWith("Running"),
    tty: specs.get(name)?.tty ?? false,
    stdin: specs.get(name)?.stdin ?? false,
  }));
  const preferred = pod.metadata.annotations?.[annotation];
  const rank = ({ name, part }: (typeof all)[number]) =>
    name === preferred ? 0 : part === "main" ? 1 : part === "debug" ? 2 : 3;
  return all.sort((a, b) => rank(a) - rank(b)).map(({ part: _, ...one }) => one);
}

/** A debug container as `kubectl debug -it --image` adds one, as a strategic merge patch of the pod's `ephemeralcontainers`.
 *  Pure. */
export function debugPatch(name: string, image: string, targetContainerName: string): object {
  const container = {
    name,
    image,
    targetContainerName,
    stdin: true,
    tty: true,
    imagePullPolicy: "IfNotPresent",
    terminationMessagePolicy: "File",
  };
  return { spec: { ephemeralContainers: [container] } };
}
