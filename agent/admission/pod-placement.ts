import { describeError } from "../../base/os/log.ts";
import type { Amounts } from "../../client/rules/pod-requests.ts";
import type { Pod } from "../../client/types.ts";
import type { CpuManager } from "../cpus/cpu-manager.ts";
import { type PlacedBeside, type PlacementRules, placePod } from "../cpus/place-pod.ts";
import type { DeviceManager } from "../devices/device-manager.ts";
import { unexpected } from "../devices/pod-devices.ts";
import type { MemoryManager } from "../memory/memory-manager.ts";
import type { Rejection } from "./fits-node.ts";

/** Gives a pod's containers CPUs, memory and devices of their own, near to each other where that is asked for. */
export class PodPlacement {
  readonly #rules: PlacementRules;
  readonly #cpus: CpuManager | undefined;
  readonly #memory: MemoryManager | undefined;
  readonly #devices: DeviceManager;

  /** @param parts Without `cpus` all containers share all, and without `memory` that. */
  constructor(
    rules: PlacementRules,
    parts: {
      readonly cpus: CpuManager | undefined;
      readonly memory?: MemoryManager | undefined;
      readonly devices: DeviceManager;
    },
  ) {
    this.#rules = { ...rules, allShare: true };
    this.#cpus = parts.cpus;
    this.#memory = parts.memory;
    this.#devices = parts.devices;
  }

  /** What of the node's devices pods may have, this one among them. */
  amounts(pod: Pod): Amounts {
    return this.#devices.amounts(pod.metadata.uid);
  }

  /** Gives and keeps all of it, or says why not. */
  async admit(pod: Pod): Promise<Rejection | undefined> {
    const devices = this.#devices.begin(pod);
    const memory = this.#memory?.begin(pod);
    const rejection = await this.#cpusFor(
      pod,
      together([memory, devices].filter((one) => one !== undefined)),
    );
    const refused =
      rejection ??
      (memory && (await this.#keptMemory())) ??
      (devices && ((await devices.give()) ?? (await this.#kept())));
    if (refused !== undefined) this.forget(pod.metadata.uid);
    return refused;
  }

  /** What the pod had is free. */
  forget(podUid: string): void {
    this.#cpus?.forget(podUid);
    this.#memory?.forget(podUid);
    this.#devices.forget(podUid);
  }

  async #cpusFor(pod: Pod, beside: PlacedBeside | undefined): Promise<Rejection | undefined> {
    if (this.#cpus !== undefined) return this.#cpus.admit(pod, beside);
    if (beside === undefined) return undefined;
    const placed = placePod(pod, new Map(), this.#rules, beside);
    return "reason" in placed ? placed : undefined;
  }

  async #keptMemory(): Promise<Rejection | undefined> {
    try {
      await this.#memory?.save();
      return undefined;
    } catch (error) {
      return unexpected(`could not save checkpoint: ${describeError(error)}`);
    }
  }

  async #kept(): Promise<Rejection | undefined> {
    try {
      await this.#devices.save();
      return undefined;
    } catch (error) {
      return unexpected(
        `failed to write checkpoint file "kubelet_internal_checkpoint": ${describeError(error)}`,
      );
    }
  }
}

/** All that is given beside CPUs, in this order. Pure. */
function together(parts: readonly PlacedBeside[]): PlacedBeside | undefined {
  if (parts.length < 2) return parts[0];
  return {
    hints: (container) => parts.flatMap((part) => part.hints(container)),
    podHints: () => parts.flatMap((part) => part.podHints()),
    placed(container, hint) {
      for (const part of parts) {
        const refused = part.placed(container, hint);
        if (refused !== undefined) return refused;
      }
      return undefined;
    },
  };
}
