import type { KnownAttachment, PodAttachment, PodNetwork } from "./network-seam.ts";

/** Pods that are plain processes: each gets a loopback address of its own out of a 127.x range. Linux answers on all of
 *  127.0.0.0/8, so nothing is to be set up. Host ports need nothing either: there is one namespace. */
export class LoopbackNetwork implements PodNetwork {
  readonly #first: number;
  readonly #size: number;
  readonly #used = new Map<string, number>();
  #next = 0;

  /** `cidr` such as 127.64.3.0/24. */
  constructor(cidr: string) {
    const [address = "", bits = ""] = cidr.split("/");
    const octets = address.split(".").map(Number);
    if (octets.length !== 4 || octets[0] !== 127 || !(Number(bits) >= 8 && Number(bits) <= 30))
      throw new RangeError(`${cidr} is not a range of loopback addresses such as 127.64.1.0/24`);
    this.#first = octets.reduce((sum, octet) => sum * 256 + octet, 0) + 1;
    this.#size = 2 ** (32 - Number(bits)) - 2;
  }

  async attach({ sandboxId }: PodAttachment) {
    const offset = this.#used.get(sandboxId) ?? this.#take();
    this.#used.set(sandboxId, offset);
    return { podIp: textOf(this.#first + offset), gateway: "127.0.0.1" };
  }

  async detach({ sandboxId }: Pick<PodAttachment, "sandboxId">): Promise<void> {
    this.#used.delete(sandboxId);
  }

  async restore(known: readonly KnownAttachment[]): Promise<readonly string[]> {
    const lost: string[] = [];
    for (const { sandboxId, podIp } of known) {
      const offset = podIp.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0) - this.#first;
      const free = ![...this.#used.values()].includes(offset);
      if (free && offset >= 0 && offset < this.#size) this.#used.set(sandboxId, offset);
      else lost.push(sandboxId);
    }
    return lost;
  }

  /** Round the range rather than the lowest free one: an address just given back is not soon another pod's. */
  #take(): number {
    const used = new Set(this.#used.values());
    for (let tries = 0; tries < this.#size; tries++) {
      const offset = this.#next++ % this.#size;
      if (!used.has(offset)) return offset;
    }
    throw new Error(`all ${this.#size} pod addresses of this node are in use`);
  }
}

function textOf(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
}
