import { qosClass } from "../../client/rules/pod-qos.ts";
import { amountsOf } from "../../client/rules/pod-requests.ts";
import type { Container, Pod } from "../../client/types.ts";
import type { Rejection } from "../admission/fits-node.ts";
import { type PlacedBeside, peakOf } from "../cpus/place-pod.ts";
import type { Hint } from "../cpus/topology-hints.ts";
import { isHugePages } from "./huge-pages.ts";
import { isSameGroup, type MemoryBlock, type MemoryState } from "./memory-state.ts";
import {
  type AskedMemory,
  maskOf,
  memoryHints,
  type Places,
  placeMemory,
  type Reusable,
} from "./place-memory.ts";

type ByContainer = ReadonlyMap<string, readonly MemoryBlock[]>;

/** What has the memory that a pod's containers are given. */
export interface MemorySource extends Places {
  readonly state: MemoryState;
  /** What the pod's containers have. */
  of(podUid: string): ByContainer;
  set(podUid: string, blocks: ByContainer): void;
  /** Where nobody agrees on NUMA nodes, any will do. */
  readonly isAligned: boolean;
}

/** Whether the containers of a pod have memory for themselves, as by the kubelet's static policy: in a Guaranteed pod that asks for
 *  nothing as a whole. Pure. */
export const hasOwnMemory = ({ spec }: Pod): boolean =>
  spec.resources === undefined && qosClass(spec) === "Guaranteed";

/** Bytes of memory and of huge pages that a container asks for. Pure. */
export function askedMemory({ resources }: Container): AskedMemory {
  const amounts = Object.entries(amountsOf({ ...resources?.limits, ...resources?.requests }));
  return new Map(amounts.filter(([name]) => name === "memory" || isHugePages(name)));
}

/** One pod's containers as they are given memory, one after the other, beside the CPUs and devices that they get. */
export class PodMemory implements PlacedBeside {
  readonly #pod: Pod;
  readonly #source: MemorySource;

  constructor(pod: Pod, source: MemorySource) {
    this.#pod = pod;
    this.#source = source;
  }

  hints(container: Container): readonly (readonly Hint[])[] {
    const had = this.#own().get(container.name);
    return had === undefined ? this.#hintsFor(askedMemory(container)) : this.#regenerated(had);
  }

  podHints(): readonly (readonly Hint[])[] {
    const { initContainers = [], containers } = this.#pod.spec;
    for (const { name } of [...initContainers, ...containers]) {
      const had = this.#own().get(name);
      if (had !== undefined) return this.#regenerated(had);
    }
    const types = new Set(containers.flatMap((one) => [...askedMemory(one).keys()]));
    const peak = (type: string) => peakOf(this.#pod, (one) => askedMemory(one).get(type) ?? 0);
    return this.#hintsFor(new Map([...types].map((type) => [type, peak(type)])));
  }

  placed(container: Container, hint: Hint): Rejection | undefined {
    const own = this.#own();
    if (own.has(container.name)) return undefined;
    const agreed = this.#source.isAligned ? hint : { nodes: undefined, preferred: false };
    const blocks = placeMemory(agreed, this.#asking(askedMemory(container)));
    if (typeof blocks === "string")
      return {
        reason: "UnexpectedAdmissionError",
        message: `Allocate failed due to ${blocks}, which is unexpected`,
      };
    const before = this.#regularInit(container);
    const taken = takenOver(own, before, blocks);
    this.#source.set(this.#pod.metadata.uid, new Map([...taken, [container.name, blocks]]));
    return undefined;
  }

  /** One list a type of memory; none where nothing can be given, which is found out when it is. */
  #hintsFor(asked: AskedMemory): readonly (readonly Hint[])[] {
    const hints = memoryHints(this.#asking(asked));
    return hints.length === 0 ? [] : [...asked].map(() => hints);
  }

  /** What was given before, by an agent that did not come to start the container. */
  #regenerated(blocks: readonly MemoryBlock[]): readonly (readonly Hint[])[] {
    return blocks.map(({ numas }) => [{ nodes: maskOf(numas, this.#source), preferred: true }]);
  }

  #own(): ByContainer {
    return this.#source.of(this.#pod.metadata.uid);
  }

  #asking(asked: AskedMemory) {
    const { state, places } = this.#source;
    const inits = this.#regularInit();
    const reusable: Reusable = (numas, type) =>
      inits
        .flatMap((name) => this.#own().get(name) ?? [])
        .filter((block) => block.type === type && isSameGroup(block.numas, numas))
        .reduce((sum, { bytes }) => sum + bytes, 0);
    return { state, places, asked, reusable };
  }

  /** Init containers that are over when this one starts. */
  #regularInit(until?: Container): readonly string[] {
    const names: string[] = [];
    for (const one of this.#pod.spec.initContainers ?? []) {
      if (one.name === until?.name) break;
      if (one.restartPolicy !== "Always") names.push(one.name);
    }
    return names;
  }
}

/** What a container takes of init containers these no longer have: the sum of all is what the pod has. Pure. */
export function takenOver(
  own: ByContainer,
  inits: readonly string[],
  blocks: readonly MemoryBlock[],
): ByContainer {
  const next = new Map(own);
  for (const { numas, type, bytes } of blocks) {
    let left = bytes;
    for (const name of inits) {
      const reduced = (next.get(name) ?? []).map((block) => {
        if (block.type !== type || !isSameGroup(block.numas, numas)) return block;
        const taken = Math.min(block.bytes, left);
        left -= taken;
        return { ...block, bytes: block.bytes - taken };
      });
      if (next.has(name)) next.set(name, reduced);
    }
  }
  return next;
}
