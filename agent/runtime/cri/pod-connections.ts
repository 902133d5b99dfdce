import type { PodAddress, PodNetwork } from "../../network-seam.ts";
import { RuntimeError, type SandboxConfig } from "../seam.ts";
import { type CniRequest, cniResult } from "./cni-request.ts";

/** The pods that the runtime connects by asking us: those whose sandboxes are being made, and no others. */
export class PodConnections {
  readonly #network: PodNetwork;
  readonly #expected = new Map<string, SandboxConfig>();
  readonly #addresses = new Map<string, PodAddress>();

  constructor(network: PodNetwork) {
    this.#network = network;
  }

  /** While `work` goes on, the runtime may have this pod connected. */
  async during<T>(config: SandboxConfig, work: () => Promise<T>): Promise<T> {
    const key = keyOf(config.pod);
    if (this.#expected.has(key)) throw new RuntimeError(`a sandbox of pod ${key} is being made already`);
    this.#expected.set(key, config);
    try {
      return await work();
    } finally {
      this.#expected.delete(key);
    }
  }

  /** Of a sandbox that this agent connected. */
  addressOf(sandboxId: string): string | undefined {
    return this.#addresses.get(sandboxId)?.podIp;
  }

  /** Its address of the other family, where it has one. */
  secondOf(sandboxId: string): Pick<PodAddress, "secondIp"> {
    const secondIp = this.#network.secondIpOf?.(sandboxId);
    return secondIp === undefined ? {} : { secondIp };
  }

  /** What the plugin is to say. Rejects with why it fails. */
  async answer(request: CniRequest): Promise<string> {
    switch (request.command) {
      case "STATUS":
      case "GC":
        return "";
      case "DEL":
        this.#addresses.delete(request.sandboxId);
        await this.#network.detach({ sandboxId: request.sandboxId, uid: "" });
        return "";
      case "CHECK":
        if (this.#addresses.has(request.sandboxId)) return "";
        throw new Error(`sandbox ${request.sandboxId} is not connected`);
      case "ADD": {
        const { pod: asked, sandboxId, netnsPath } = request;
        const config = this.#expected.get(keyOf(asked));
        if (config === undefined || (asked.uid !== "" && asked.uid !== config.pod.uid))
          throw new Error(`${keyOf(asked)} is no pod that this node's agent is making`);
        const { hostPorts, dns, bandwidth } = config;
        const pod = { ...config.pod, sandboxId, netnsPath, hostPorts, dns, ...(bandwidth && { bandwidth }) };
        const address = await this.#network.attach(pod);
        this.#addresses.set(sandboxId, address);
        return cniResult(netnsPath, address);
      }
    }
  }
}

const keyOf = ({ namespace, name }: { readonly namespace: string; readonly name: string }) =>
  `${namespace}/${name}`;
