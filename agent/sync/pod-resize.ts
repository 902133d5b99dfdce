import { isDeepStrictEqual } from "node:util";
import { describeError } from "../../base/os/log.ts";
import { compareQuantities, parseQuantity } from "../../base/quantity.ts";
import { qosClass } from "../../client/rules/pod-qos.ts";
import type { Container, Pod } from "../../client/types.ts";
import type { Rejection } from "../admission/fits-node.ts";
import type { PlacedCpus } from "../cpus/cpu-manager.ts";
import type { GroupResources } from "../runtime/oci/pod-group.ts";
import type { RuntimeContainer } from "../runtime/seam.ts";
import { resourcesOf } from "./container-config.ts";
import { latest, type Observed } from "./observed.ts";
import type { PodCondition } from "./pod-conditions.ts";
import type { PodContext } from "./pod-context.ts";
import { heldLimitsOf, heldToOf, limitsOf, podGroupResources } from "./pod-group-resources.ts";
import { timeText } from "./time-text.ts";

type Resources = NonNullable<Container["resources"]>;
interface State {
  readonly type: "PodResizePending" | "PodResizeInProgress";
  readonly reason: string;
  readonly message: string;
  readonly generation: number | undefined;
  readonly sinceMs: number;
}

/** Of a pod's status. */
export interface AsWhole {
  readonly resources: Resources;
  readonly allocatedResources?: Readonly<Record<string, string>>;
}

export const resizeLimits = { retryMs: 10_000 } as const;

/** What the containers of one pod are granted, which may lag behind what the pod asks for: a resize waits for room, and is then
 *  carried out container by container. What containers have stands in their records: an agent that begins anew goes on. */
export class PodResize {
  readonly #context: PodContext;
  #granted: ReadonlyMap<string, Resources> | undefined;
  /** Of the pod as a whole. */
  #grantedAsWhole: Resources = {};
  #hasAsWhole: Resources = {};
  /** What the pod's group is held to; undefined until this agent looked after it. */
  #limited: GroupResources | undefined;
  #pending: State | undefined;
  #inProgress: State | undefined;
  /** Ids of running containers that have to start anew with what they are granted. */
  toRestart: ReadonlySet<string> = new Set();
  /** When to look again; 0: not for this. */
  retryAtMs = 0;

  constructor(context: PodContext) {
    this.#context = context;
  }

  /** The container with what it is granted. */
  granted(container: Container): Container {
    const resources = this.#granted?.get(container.name);
    return resources === undefined ? container : { ...container, resources };
  }

  /** The pod with what it and its containers are granted. */
  grantedPod(pod: Pod): Pod {
    const { resources, containers, initContainers } = pod.spec;
    const spec = {
      ...pod.spec,
      containers: containers.map((one) => this.granted(one)),
      ...(initContainers !== undefined && { initContainers: initContainers.map((one) => this.granted(one)) }),
      ...(resources !== undefined && this.#granted !== undefined && { resources: this.#grantedAsWhole }),
    };
    return { ...pod, spec };
  }

  /** What the pod's status shows of it. */
  shown(pod: Pod) {
    const granted = (one: Container) => this.granted(one);
    return { granted, resizing: this.conditions, asWhole: this.#asWhole(pod) };
  }

  /** What the pod has as a whole, and what it is granted, where it asks for something. */
  #asWhole({ spec }: Pod): AsWhole | undefined {
    if (spec.resources === undefined || this.#limited === undefined) return undefined;
    const { requests } = this.#grantedAsWhole;
    return { resources: this.#hasAsWhole, ...(requests !== undefined && { allocatedResources: requests }) };
  }

  get conditions(): readonly PodCondition[] {
    return [this.#pending, this.#inProgress].flatMap((state) =>
      state === undefined
        ? []
        : [
            {
              type: state.type,
              status: "True",
              ...(state.generation !== undefined && { observedGeneration: state.generation }),
              lastProbeTime: timeText(state.sinceMs),
              lastTransitionTime: timeText(state.sinceMs),
              ...(state.reason !== "" && { reason: state.reason }),
              ...(state.message !== "" && { message: state.message }),
            } as PodCondition,
          ],
    );
  }

  /** Grants what is asked for where there is room, and gives running containers what they are granted. */
  async follow(pod: Pod, observed: Observed): Promise<void> {
    if (pod.metadata.deletionTimestamp !== undefined) return;
    this.retryAtMs = 0;
    if (this.#granted === undefined) {
      this.#grantedAsWhole = pod.status?.resources ?? pod.spec.resources ?? {};
      this.#hasAsWhole = this.#grantedAsWhole;
      this.#granted = new Map(
        resizable(pod).map((one) => [one.name, recorded(latest(observed, one.name)) ?? one.resources ?? {}]),
      );
    }
    const differs = (one: Container) => !same(one.resources ?? {}, this.#granted?.get(one.name) ?? {});
    if (resizable(pod).some(differs) || !same(pod.spec.resources ?? {}, this.#grantedAsWhole))
      await this.#ask(pod);
    else this.#pending = undefined;
    await this.#carryOut(pod, observed);
  }

  async #ask(pod: Pod): Promise<void> {
    const { scheme, admission } = this.#context;
    const rejection =
      scheme === "process"
        ? {
            reason: "Infeasible",
            message: "pods are plain processes on this node, without control groups to resize",
          }
        : (this.#infeasible(pod) ?? (await admission?.resize(pod)));
    if (rejection !== undefined) {
      const reason = rejection.reason === "Infeasible" ? "Infeasible" : "Deferred";
      const { message } = rejection;
      if (reason === "Deferred") this.retryAtMs = this.#now() + resizeLimits.retryMs;
      const state = this.#state("PodResizePending", pod, { reason, message }, this.#pending);
      if (state !== this.#pending) {
        this.#tell(pod, "Warning", `Resize${reason}`, `Pod resize ${reason}`, message);
        this.#pending = state;
      }
      return;
    }
    this.#granted = new Map(resizable(pod).map((one) => [one.name, one.resources ?? {}]));
    this.#grantedAsWhole = pod.spec.resources ?? {};
    this.#pending = undefined;
    this.#inProgress = this.#state("PodResizeInProgress", pod, { reason: "", message: "" }, undefined);
    this.#tell(pod, "Normal", "ResizeStarted", "Pod resize started");
  }

  async #carryOut(pod: Pod, observed: Observed): Promise<void> {
    const toRestart = new Set<string>();
    const failures: string[] = [];
    const group = await this.#widenGroup(pod, observed);
    const ephemeral = this.#context.cpus === undefined ? [] : (pod.spec.ephemeralContainers ?? []);
    for (const container of [...resizable(pod).map((one) => this.granted(one)), ...ephemeral]) {
      const running = latest(observed, container.name);
      const has = recorded(running);
      if (running?.state.phase !== "running" || has === undefined) continue;
      const wanted = container.resources ?? {};
      const heldTo = heldToOf(this.grantedPod(pod), container, this.#cpusOf(pod, container));
      const holds = heldTo === undefined || running.annotations.heldTo === heldTo;
      if (same(has, wanted) && holds) continue;
      if (needsRestart(container, has)) toRestart.add(running.id);
      else
        await this.#update(pod, container, running, has).catch((error: unknown) =>
          failures.push(describeError(error)),
        );
    }
    this.toRestart = toRestart;
    if (group !== undefined && failures.length === 0 && toRestart.size === 0)
      await this.#limitGroup(pod, group).catch((error: unknown) => failures.push(describeError(error)));
    if (failures.length > 0) {
      this.retryAtMs = this.#now() + resizeLimits.retryMs;
      const message = failures.join("; ");
      const state = this.#state("PodResizeInProgress", pod, { reason: "Error", message }, this.#inProgress);
      if (state !== this.#inProgress) this.#tell(pod, "Warning", "ResizeError", "Pod resize error", message);
      this.#inProgress = state;
      return;
    }
    if (this.#inProgress === undefined || toRestart.size > 0) return;
    this.#inProgress = undefined;
    this.#tell(pod, "Normal", "ResizeCompleted", "Pod resize completed");
  }

  /** Rejects where a limit would be below what is in use. */
  async #update(pod: Pod, container: Container, running: RuntimeContainer, has: Resources): Promise<void> {
    const { runtime, nodeMemoryBytes } = this.#context;
    const granted = this.grantedPod(pod);
    const limit = limitsOf(granted, container).memory;
    const before = heldLimitsOf(running.annotations.heldTo)?.memory ?? has.limits?.memory ?? "0";
    if (limit !== "0" && (before === "0" || compareQuantities(limit, before) < 0)) {
      const { memoryBytes } = await runtime.containerStats(running.id);
      const bytes = parseQuantity(limit);
      if (memoryBytes >= bytes)
        throw new Error(
          `cannot decrease memory limits: attempting to set container ${JSON.stringify(container.name)} memory limit (${bytes}) below current usage (${memoryBytes})`,
        );
    }
    const cpus = this.#cpusOf(pod, container);
    const heldTo = heldToOf(granted, container, cpus);
    await runtime.updateContainer(running.id, resourcesOf(granted, container, nodeMemoryBytes, cpus), {
      resources: JSON.stringify(container.resources ?? {}),
      ...(heldTo !== undefined && { heldTo }),
    });
  }

  #cpusOf({ metadata }: Pod, { name }: Container): PlacedCpus | undefined {
    return this.#context.cpus?.cpusOf(metadata.uid, name);
  }

  /** What a container has for itself it keeps. */
  #infeasible(pod: Pod): Rejection | undefined {
    const { cpus, memory } = this.#context;
    if (qosClass(pod.spec) !== "Guaranteed") return undefined;
    for (const [name, manager, policy] of [
      ["cpu", cpus, 'CPU Manager policy "static"'],
      ["memory", memory, 'Memory Manager policy "Static"'],
    ] as const)
      if (manager !== undefined && this.#changes(pod, name))
        return {
          reason: "Infeasible",
          message: `Resize is infeasible for Guaranteed Pods alongside ${policy}`,
        };
    return undefined;
  }

  #changes(pod: Pod, name: "cpu" | "memory"): boolean {
    const asked = (resources: Resources | undefined) => resources?.requests?.[name];
    return (
      !sameAmount(asked(pod.spec.resources), asked(this.#grantedAsWhole)) ||
      resizable(pod).some((one) => !sameAmount(asked(one.resources), asked(this.#granted?.get(one.name))))
    );
  }

  /** The pod's group holds what its containers have and what they are to have, until each has it. Answers what it is to hold
   *  then; undefined where the pod has no group yet, or none ever. */
  async #widenGroup(pod: Pod, observed: Observed): Promise<GroupResources | undefined> {
    if (this.#context.podGroups === undefined) return undefined;
    if (!observed.sandboxes.some(({ state }) => state === "ready")) return undefined;
    const whole = podGroupResources(this.grantedPod(pod));
    const isHeldByCpus = this.#context.cpus?.hasExclusive(pod.metadata.uid) ?? false;
    const wanted = isHeldByCpus ? { ...whole, cpuQuotaUs: 0 } : whole;
    const first = this.#limited === undefined;
    try {
      await this.#limitGroup(pod, this.#limited === undefined ? wanted : widest(this.#limited, wanted));
    } catch (error) {
      if (!first) throw error;
      const message = `unable to ensure pod container exists: ${describeError(error)}`;
      this.#context.events.record(pod, { type: "Warning", reason: "FailedCreatePodContainer", message });
      throw error;
    }
    return wanted;
  }

  async #limitGroup(pod: Pod, resources: GroupResources): Promise<void> {
    if (!isDeepStrictEqual(this.#limited, resources))
      await this.#context.podGroups?.limit(pod.metadata.uid, resources);
    this.#limited = resources;
    this.#hasAsWhole = this.#grantedAsWhole;
  }

  /** The state before where nothing is new. */
  #state(
    type: State["type"],
    { metadata: { generation } }: Pod,
    { reason, message }: { readonly reason: string; readonly message: string },
    before: State | undefined,
  ): State {
    const isSame =
      before?.reason === reason && before.message === message && before.generation === generation;
    if (isSame) return before;
    const sinceMs = before?.reason === reason ? before.sinceMs : this.#now();
    return { type, reason, message, generation, sinceMs };
  }

  #tell(pod: Pod, type: "Normal" | "Warning", reason: string, prefix: string, error = ""): void {
    const summary = (containers: readonly Container[] | undefined) =>
      (containers ?? []).map(({ name, resources = {} }) => ({ name, resources }));
    const initContainers = summary(pod.spec.initContainers);
    const text = {
      ...(initContainers.length > 0 && { initContainers }),
      containers: summary(pod.spec.containers),
      generation: pod.metadata.generation ?? 0,
      ...(error !== "" && { error }),
    };
    this.#context.events.record(pod, { type, reason, message: `${prefix}: ${JSON.stringify(text)}` });
  }

  #now(): number {
    return this.#context.os.clock.wallMs();
  }
}

function widest(a: GroupResources, b: GroupResources): GroupResources {
  const limit = (left: number, right: number) => (left === 0 || right === 0 ? 0 : Math.max(left, right));
  return {
    cpuShares: Math.max(a.cpuShares, b.cpuShares),
    cpuQuotaUs: limit(a.cpuQuotaUs, b.cpuQuotaUs),
    memoryBytesMost: limit(a.memoryBytesMost, b.memoryBytesMost),
    ...(b.hugePages !== undefined && { hugePages: b.hugePages }), // they never change
  };
}

const resizable = ({ spec }: Pod): readonly Container[] => [
  ...spec.containers,
  ...(spec.initContainers ?? []),
];

/** What a container was given; undefined where it was started by an agent that did not record it. */
export function recorded(container: RuntimeContainer | undefined): Resources | undefined {
  const text = container?.annotations.resources;
  return text === undefined ? undefined : (JSON.parse(text) as Resources);
}

/** Equal in cpu and memory; nothing else changes while a pod lives. */
function same(a: Resources, b: Resources): boolean {
  return (["requests", "limits"] as const).every((which) =>
    ["cpu", "memory"].every((name) => sameAmount(a[which]?.[name], b[which]?.[name])),
  );
}

function sameAmount(a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return compareQuantities(a, b) === 0;
}

function needsRestart({ resources = {}, resizePolicy = [] }: Container, has: Resources): boolean {
  const changes = (name: "cpu" | "memory") =>
    !sameAmount(resources.limits?.[name], has.limits?.[name]) ||
    (name === "cpu" && !sameAmount(resources.requests?.[name], has.requests?.[name]));
  return resizePolicy.some(
    ({ resourceName, restartPolicy }) =>
      restartPolicy === "RestartContainer" && changes(resourceName as "cpu" | "memory"),
  );
}
