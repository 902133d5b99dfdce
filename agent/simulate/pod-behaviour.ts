import type { Duration } from "../../base/duration.ts";
import type { Pod } from "../../client/types.ts";

/** A container as it runs on a simulated node, for functions that say what it does. */
export interface ContainerRun {
  readonly pod: Pod;
  /** The container's name. */
  readonly container: string;
  /** How often it was started again. */
  readonly restarts: number;
  /** Milliseconds since this run of it started. */
  readonly elapsedMs: number;
}

/** What one run of a probe finds: `true` or `"ok"`, `false` or `"fail"`; any other text: it fails, and this is why. */
export type ProbeOutcome = boolean | string;

/** What a probe finds: always the same; one after the other, of which the last one stays; well only so long after the container
 *  started; or what a function says. Counted anew for each run of the container. */
export type ProbeScript =
  | ProbeOutcome
  | readonly ProbeOutcome[]
  | { readonly from?: Duration; readonly until?: Duration }
  | ((run: ContainerRun) => ProbeOutcome);

/** How a pull of an image goes. The node keeps what it pulled, as real ones do. */
export interface PullScript {
  readonly takes?: Duration;
  /** Why it fails, such as `"not found"`: the pod shows `ErrImagePull` and `ImagePullBackOff`, and tries later and later. */
  readonly error?: string;
  /** How many pulls of each pod fail; all unless said. */
  readonly times?: number;
}

/** How a container ends by itself. */
export interface ExitScript {
  /** 0 unless said; 137 of what is `OOMKilled`. */
  readonly code?: number;
  /** Since it started; at once unless said. */
  readonly after?: Duration;
  /** `Completed` or `Error` by its code unless said. */
  readonly reason?: "Completed" | "Error" | "OOMKilled";
  /** What it leaves in its termination message. */
  readonly message?: string;
  /** How many runs of it end so, the first ones; all unless said. */
  readonly times?: number;
}

/** What a command in a container answers: its output, or all of it. */
export type ExecAnswer =
  | string
  | { readonly stdout?: string; readonly stderr?: string; readonly code?: number };

/** What happens to pods on simulated nodes. The first fields say to which: those that are like all that is given. The others say
 *  what happens to them; for each of them the first behaviour that fits and says it counts. What none says takes no time and goes
 *  well. Events tell of it as a kubelet's do. */
export interface PodBehaviour {
  /** The container's image, `*` for anything: `"slow:*"`. */
  readonly image?: string;
  /** The pod's name, `*` for anything: `"web-*"`; or an expression that it matches. */
  readonly name?: string | RegExp;
  readonly namespace?: string;
  /** Labels of the pod. */
  readonly labels?: Readonly<Record<string, string>>;
  /** The container's name. */
  readonly container?: string;

  /** How long pulling the image takes, or how it goes. Without it the image is there. */
  readonly pull?: Duration | PullScript;
  /** How long the container takes to start once its image is there. */
  readonly start?: Duration;
  /** How long it takes to be ready once it has started, beside what its probes say. */
  readonly ready?: Duration;
  /** What the pod's own probes find, at their own periods and thresholds. Of a probe that it lacks nothing is found; one that is
   *  not scripted is well at once. */
  readonly probe?: {
    readonly startup?: ProbeScript;
    readonly liveness?: ProbeScript;
    readonly readiness?: ProbeScript;
  };
  /** It ends by itself. What its pod's restart policy says follows, with `CrashLoopBackOff`. Init containers and those of Jobs end
   *  at once and well unless scripted; `false` says that they do not. */
  readonly exit?: ExitScript | false;
  /** How long it takes to end once it is asked to; never longer than the grace that it is given. At once unless said. */
  readonly stop?: Duration;
  /** The node evicts the pod, so long after it took it. */
  readonly evict?: { readonly after?: Duration; readonly message?: string };
  /** What the container has written, as `kubectl logs` shows it: text, or what a function says of a run. Nothing unless said. */
  readonly logs?: string | ((run: ContainerRun) => string);
  /** What commands in the container answer (`kubectl exec`); they are refused without it. Called once standard input has ended,
   *  where there is one. */
  readonly exec?: (
    command: readonly string[],
    run: ContainerRun & { readonly stdin: string },
  ) => ExecAnswer | Promise<ExecAnswer>;
}

type Said = Omit<PodBehaviour, "image" | "name" | "namespace" | "labels" | "container">;

/** What is said of pods; it may grow and shrink as they run. */
export class PodBehaviours {
  #all: readonly PodBehaviour[];

  constructor(all: readonly PodBehaviour[] = []) {
    this.#all = all;
  }

  /** These come before the others from now on. */
  add(behaviours: readonly PodBehaviour[]): void {
    this.#all = [...behaviours, ...this.#all];
  }

  remove(behaviours: readonly PodBehaviour[]): void {
    this.#all = this.#all.filter((one) => !behaviours.includes(one));
  }

  /** What is said of one field, for a container; without one, for any container of the pod. */
  of<F extends keyof Said>(
    field: F,
    pod: Pod,
    container?: { readonly name: string; readonly image?: string | undefined },
  ): Said[F] | undefined {
    if (this.#all.length === 0) return undefined;
    return this.#all.find((one) => one[field] !== undefined && fits(one, pod, container))?.[field];
  }

  /** Whether anything is said of a pod. */
  knows(pod: Pod): boolean {
    return this.#all.some((one) => fits(one, pod, undefined));
  }
}

function fits(
  { image, name, namespace, labels = {}, container: named }: PodBehaviour,
  { metadata, spec }: Pod,
  container: { readonly name: string; readonly image?: string | undefined } | undefined,
): boolean {
  const containers =
    container === undefined ? [...spec.containers, ...(spec.initContainers ?? [])] : [container];
  return (
    (namespace === undefined || namespace === metadata.namespace) &&
    (name === undefined || isLike(name, metadata.name)) &&
    Object.entries(labels).every(([key, value]) => metadata.labels?.[key] === value) &&
    containers.some(
      (one) =>
        (named === undefined || named === one.name) &&
        (image === undefined || isLike(image, one.image ?? "")),
    )
  );
}

/** Whether a text is like a pattern in which `*` stands for anything; of an expression, whether it matches. */
export function isLike(pattern: string | RegExp, text: string): boolean {
  if (typeof pattern !== "string")
    return new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, "")).test(text);
  const [first = "", ...parts] = pattern.split("*");
  const last = parts.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first) || text.length < first.length + last.length || !text.endsWith(last))
    return false;
  const end = text.length - last.length;
  let at = first.length;
  for (const part of parts) {
    const found = text.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}
