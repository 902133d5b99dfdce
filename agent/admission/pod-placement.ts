import { describeError } from "../../base/os/log.ts";
import type { Amounts } from "../../client/rules/pod-requests.ts";
import type { Pod } from "../../client/types.ts";
import type { CpuManager } from "../cpus/cpu-manager.ts";
import { type PlacementRules, placePod } from "../cpus/place-pod.ts";
import type { DeviceManager } from "../devices/device-manager.ts";
import { unexpected } from "../devices/pod-devices.ts";
import type { Rejection } from "./fits-node.ts";

/** Gives a pod's containers CPUs and devices of their own, near to each other where that is asked for. */
export class PodPlacement {
  readonly #rules: PlacementRules;
  readonly #cpus: CpuManager | undefined;
  readonly #devices: DeviceManager;

  /** @param parts Without `cpus` all containers share all. */
  constructor(
    rules: PlacementRules,
    parts: { readonly cpus: CpuManager | undefined; readonly devices: DeviceManager },
  ) {
    this.#rules = { ...rules, allShare: true };
    this.#cpus = parts.cpus;
    this.#devices = parts.devices;
  }

  /** What of the node's devices pods may have, this one among them. */
  amounts(pod: Pod): Amounts {
    return this.#devices.amounts(pod.metadata.uid);
  }

  /** Gives and keeps all of it, or says why not. */
  async admit(pod: Pod): Promise<Rejection | undefined> {
    const devices = this.#devices.begin(pod);
    const rejection = await this.#cpusFor(pod, devices);
    const refused = rejection ?? (devices && ((await devices.give()) ?? (await this.#kept())));
    if (refused !== undefined) this.forget(pod.metadata.uid);
    return refused;
  }

  /** What the pod had is free. */
  forget(podUid: string): void {
    this.#cpus?.forget(podUid);
    this.#devices.forget(podUid);
  }

  async #cpusFor(pod: Pod, devices: ReturnType<DeviceManager["begin"]>): Promise<Rejection | undefined> {
    if (this.#cpus !== undefined) return this.#cpus.admit(pod, devices);
    if (devices === undefined) return undefined;
    const placed = placePod(pod, new Map(), this.#rules, devices);
    return "reason" in placed ? placed : undefined;
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
