import { lstat } from "node:fs/promises";
import { sleep } from "../../base/os/clock.ts";
import { ifPresent } from "../../base/os/if-present.ts";
import { describeError } from "../../base/os/log.ts";
import type { Os } from "../../base/os/os.ts";
import type { ApiClient } from "../../client/api.ts";
import { orAbsent } from "../../client/api-error.ts";
import { resources } from "../../client/resources.ts";
import { ConfigError } from "../sync/environment.ts";
import { CsiNodeObject } from "./csi-node.ts";
import { csiLimits, DriverCalls, openRegistration } from "./driver-calls.ts";
import { type NodeFacts, nodeFacts, pluginFacts } from "./driver-facts.ts";

export interface CsiDriversDeps {
  readonly client: Pick<ApiClient, "get" | "create" | "update" | "patch" | "delete">;
  readonly os: Pick<Os, "clock" | "log" | "random">;
  readonly nodeName: string;
}

interface Registered {
  /** By which it registered. */
  readonly from: string;
  readonly calls: DriverCalls;
  facts: NodeFacts;
  askedMs: number;
}

/** How often it is looked whether a driver's number of volumes is to be asked for anew. */
const lookAtLimitsMs = 30_000;

/** The CSI drivers that registered with this node, by name. */
export class CsiDrivers {
  readonly #deps: CsiDriversDeps;
  readonly #node: CsiNodeObject;
  readonly #drivers = new Map<string, Registered>();

  constructor(deps: CsiDriversDeps) {
    this.#deps = deps;
    this.#node = new CsiNodeObject(deps.client, deps.nodeName);
  }

  /** Throws ConfigError where it is not here, or not yet. */
  get(name: string): DriverCalls {
    const found = this.#drivers.get(name);
    if (found === undefined)
      throw new ConfigError(`driver name ${name} not found in the list of registered CSI drivers`);
    return found.calls;
  }

  /** Asks the plugin at a socket who it is, tells the cluster, and then the plugin. Rejects where it is to be tried again. */
  async register(socket: string, signal: AbortSignal): Promise<void> {
    const { os } = this.#deps;
    const plugin = openRegistration(socket, os);
    const options = { timeoutMs: csiLimits.lookMs, signal };
    try {
      const info = await plugin.ask("GetInfo", {}, options);
      try {
        await this.#take(pluginFacts(info, socket), socket, signal);
      } catch (error) {
        signal.throwIfAborted();
        const why = describeError(error).slice(0, csiLimits.messageCharsMost);
        await plugin.ask("NotifyRegistrationStatus", { pluginRegistered: false, error: why }, options);
        throw error;
      }
      await plugin.ask("NotifyRegistrationStatus", { pluginRegistered: true }, options);
    } finally {
      plugin.close();
    }
  }

  async #take(
    { name, socket }: { readonly name: string; readonly socket: string },
    from: string,
    signal: AbortSignal,
  ): Promise<void> {
    const { os } = this.#deps;
    // Whoever is first has the name, as long as its socket is there: nobody else gets at its volumes.
    const holder = this.#drivers.get(name);
    if (holder !== undefined && holder.from !== from && (await ifPresent(lstat(holder.from))) !== undefined)
      throw new Error(`another plugin of this node, at ${holder.from}, is the driver ${name}`);
    const calls = new DriverCalls(socket, os);
    try {
      const options = { timeoutMs: csiLimits.lookMs, signal };
      const told = (await calls.identity.ask("GetPluginInfo", {}, options)).name;
      if (told !== name)
        throw new Error(`it registers as ${name}, but calls itself ${JSON.stringify(told.slice(0, 100))}`);
      const facts = nodeFacts(await calls.node.ask("NodeGetInfo", {}, options));
      await this.#node.put(name, facts, signal);
      signal.throwIfAborted();
      this.#drivers.get(name)?.calls.close();
      this.#drivers.set(name, { from, calls, facts, askedMs: os.clock.monotonicMs() });
      os.log.info("a CSI driver registered", { driver: name, nodeId: facts.nodeId });
    } catch (error) {
      calls.close();
      throw error;
    }
  }

  /** The socket by which it registered is gone. */
  async unregister(socket: string, signal: AbortSignal): Promise<void> {
    for (const [name, { from, calls }] of this.#drivers) {
      if (from !== socket) continue;
      this.#drivers.delete(name);
      calls.close();
      this.#deps.os.log.info("a CSI driver is gone", { driver: name });
      await this.#node.remove(name, signal);
    }
  }

  /** Asks drivers again how many volumes they take, as often as their CSIDriver says. */
  async keepLimits(signal: AbortSignal): Promise<void> {
    const { client, os } = this.#deps;
    for (;;) {
      await sleep(os.clock, lookAtLimitsMs, signal);
      for (const [name, driver] of this.#drivers)
        try {
          const object = await orAbsent(client.get(resources.csidrivers, { name }, { signal }));
          const seconds = object?.spec.nodeAllocatableUpdatePeriodSeconds;
          if (seconds === undefined || os.clock.monotonicMs() - driver.askedMs < seconds * 1000) continue;
          driver.askedMs = os.clock.monotonicMs();
          const options = { timeoutMs: csiLimits.lookMs, signal };
          const facts = nodeFacts(await driver.calls.node.ask("NodeGetInfo", {}, options));
          if (facts.volumesMost === driver.facts.volumesMost) continue;
          driver.facts = { ...driver.facts, volumesMost: facts.volumesMost };
          await this.#node.put(name, driver.facts, signal);
        } catch (error) {
          signal.throwIfAborted();
          os.log.warn("cannot ask a CSI driver for its limits", { driver: name, error });
        }
    }
  }

  close(): void {
    for (const { calls } of this.#drivers.values()) calls.close();
    this.#drivers.clear();
  }
}
