import type { Pod, PodStatus } from "../../client/types.ts";
import type { PodStatuses } from "../status/pod-statuses.ts";
import { knownPod } from "./known-pod.ts";
import { latest, type Observed } from "./observed.ts";
import type { PodContext } from "./pod-context.ts";
import { isTerminal } from "./pod-phase.ts";
import { podStatus, type StatusInput } from "./pod-status.ts";
import { terminationMessage } from "./termination-message.ts";
import { countTerminations } from "./terminations.ts";

/** How long the API does not hear of containers that the node itself replaces: others run by then, as a rule, and the pod's
 *  watchers see one change, not three. */
const replacingMs = 1_000;

/** Tells the API how one pod is, and remembers what it told: the API's own copy may be older, or away. */
export class PodReport {
  readonly #context: PodContext;
  readonly #statuses: PodStatuses;
  readonly #messages = new Map<string, string>();
  #found: PodStatus | undefined;

  constructor(context: PodContext, statuses: PodStatuses) {
    this.#context = context;
    this.#statuses = statuses;
  }

  /** The API's pod with the newest status known here. */
  known(pod: Pod): Pod {
    return knownPod(pod, this.#found);
  }

  /** Leaves word of the pod's status; does not wait for the API. */
  async send(
    pod: Pod,
    observed: Observed,
    seen: Pick<StatusInput, "waiting" | "failure" | "granted" | "resizing">,
  ): Promise<PodStatus> {
    const { volumes, prober, os, scheme, nodeIp, secondNodeIp, recursiveReadOnly } = this.#context;
    for (const one of observed.containers)
      if (one.state.phase === "exited" && !this.#messages.has(one.id))
        this.#messages.set(one.id, await terminationMessage(one, volumes.podDir(pod.metadata.uid)));
    const ids = observed.containers.map(({ id }) => id);
    const known = this.known(pod);
    const status = podStatus({
      pod: known,
      observed,
      nowMs: os.clock.wallMs(),
      scheme,
      recursiveReadOnly,
      hostIp: nodeIp,
      devicesOf: (container) => this.#context.devices?.healthOf(pod.metadata.uid, container) ?? [],
      secondHostIp: secondNodeIp,
      ready: new Set(ids.filter((id) => prober.isReady(id))),
      started: new Set(ids.filter((id) => prober.isStarted(id))),
      terminationMessages: this.#messages,
      ...seen,
    });
    if (this.#context.terminations !== undefined)
      countTerminations(known.status, status, this.#context.terminations);
    this.#found = status;
    const isReplacing =
      !isTerminal(status.phase) && !restartsAll(status) && replaces(pod, observed, seen.waiting);
    this.#statuses.set(pod, status, isReplacing ? replacingMs : 0);
    return status;
  }

  /** Resolves once the API has what was last told, or will never have it. */
  delivered(pod: Pod, signal: AbortSignal): Promise<void> {
    return this.#statuses.settled(pod.metadata.uid, signal);
  }

  /** The pod is gone. */
  forget(pod: Pod): void {
    this.#statuses.forget(pod.metadata.uid);
  }
}

/** A condition of its own tells of that. */
const restartsAll = ({ conditions = [] }: PodStatus): boolean =>
  conditions.some(({ type, status }) => type === "AllContainersRestarting" && status === "True");

/** Whether a container was killed for another that is about to start. */
function replaces({ metadata, spec }: Pod, observed: Observed, waiting: StatusInput["waiting"]): boolean {
  if (metadata.deletionTimestamp !== undefined) return false;
  return [...spec.containers, ...(spec.initContainers ?? [])].some(({ name }) => {
    const last = latest(observed, name);
    return last?.state.phase === "exited" && observed.replaced?.has(last.id) && !waiting.has(name);
  });
}
