import type { Duplex } from "node:stream";
import type { SimulatedPower } from "../agent/simulate/simulate.ts";
import type { NodeTrouble, SimulatedMachine } from "../agent/simulate/simulated-nodes.ts";
import type { Running } from "../base/os/os.ts";
import type { RestClient } from "../client/rest.ts";
import { isReal, type NodeMachine } from "./node-options.ts";
import type { RealMachine } from "./real/real-machine.ts";
import type { RealNodes } from "./real/real-nodes.ts";

/** What a cluster's nodes are made of. */
export interface NodesParts {
  /** Those there are at first, by name. */
  readonly machines: ReadonlyMap<string, NodeMachine>;
  readonly simulate: (
    machines: ReadonlyMap<string, SimulatedMachine>,
    client: RestClient,
  ) => Running & SimulatedPower;
  /** Absent where the cluster began with none. */
  readonly real: RealNodes | undefined;
  /** Has a real one start. */
  readonly startReal: (machine: RealMachine) => Promise<void>;
}

/** A cluster's nodes: those that are simulated, in this process, and those that are real, beside it. */
export class ClusterNodes {
  readonly #parts: NodesParts;
  readonly #client: () => RestClient;
  readonly #machines: Map<string, NodeMachine>;
  #power: (Running & SimulatedPower) | undefined;

  /** @param client Makes the one of simulated nodes, once there are any. */
  constructor(parts: NodesParts, client: () => RestClient) {
    this.#parts = parts;
    this.#client = client;
    this.#machines = new Map(parts.machines);
  }

  get names(): readonly string[] {
    return [...this.#machines.keys()];
  }

  get machines(): ReadonlyMap<string, NodeMachine> {
    return this.#machines;
  }

  get realNames(): readonly string[] {
    return [...this.#machines.values()].flatMap((one) => (isReal(one) ? one.name : []));
  }

  has(name: string): boolean {
    return this.#machines.has(name);
  }

  /** A connection to whoever answers for simulated nodes; undefined while there are none. */
  connect(): Duplex | undefined {
    return this.#power?.connect();
  }

  /** What is said of pods has changed. */
  wakePods(): void {
    this.#power?.wakePods();
  }

  /** Starts all there are. Resolves when they run, which is not when they are ready. */
  async start(): Promise<void> {
    const all = [...this.#machines.values()];
    const simulated = all.flatMap((one) => (isReal(one) ? [] : one));
    if (simulated.length > 0) this.#simulate(simulated);
    await Promise.all(all.map((one) => isReal(one) && this.#parts.startReal(one)));
  }

  /** Throws TypeError for a real one where there cannot be any. */
  async add(name: string, machine: NodeMachine): Promise<void> {
    if (!isReal(machine)) {
      const power = this.#power ?? this.#simulate([]);
      this.#machines.set(name, machine);
      return power.add(machine);
    }
    this.#checkKind(machine);
    this.#machines.set(name, machine);
    try {
      await this.#parts.startReal(machine);
    } catch (error) {
      this.#machines.delete(name);
      throw error;
    }
  }

  /** It is gone for good, and its object with it. */
  async remove(name: string, deleteObject: () => Promise<unknown>): Promise<void> {
    const machine = this.#machines.get(name);
    this.#machines.delete(name);
    // A real one would register again.
    if (machine !== undefined && isReal(machine)) await this.#parts.real?.remove(name);
    await deleteObject();
    if (machine !== undefined && !isReal(machine)) this.#power?.remove(name);
  }

  async halt(name: string): Promise<void> {
    if (this.isReal(name)) await this.#parts.real?.halt(name);
    else this.#power?.halt(name);
  }

  async boot(name: string): Promise<void> {
    if (this.isReal(name)) await this.#parts.real?.boot(name);
    else this.#power?.boot(name);
  }

  setTrouble(name: string, trouble: NodeTrouble): void {
    this.#simulated(name, "says itself what is wrong with it").setTrouble(name, trouble);
  }

  setCutOff(name: string, isCutOff: boolean): void {
    this.#simulated(name, "cannot be cut off; crash it").setCutOff(name, isCutOff);
  }

  /** Has just these, which all are simulated. */
  replace(machines: ReadonlyMap<string, NodeMachine>): void {
    const added = [...machines.values()].flatMap((one) =>
      isReal(one) || this.#machines.has(one.input.name) ? [] : one,
    );
    if (added.length > 0) {
      const power = this.#power ?? this.#simulate([]);
      for (const one of added) power.add(one);
    }
    this.#machines.clear();
    for (const [name, machine] of machines) this.#machines.set(name, machine);
  }

  /** Of those whose names a snapshot does not have. */
  forgetOthers(kept: ReadonlyMap<string, NodeMachine>): void {
    for (const name of this.names) if (!kept.has(name)) this.#power?.remove(name);
  }

  /** Resolves or rejects as `ready` does; rejects as soon as a real one of these cannot go on. */
  unlessEnded<T>(names: readonly string[], ready: Promise<T>): Promise<T> {
    return this.#parts.real?.unlessEnded(names, ready) ?? ready;
  }

  /** This machine reaches their pods. Of simulated ones there is nothing to reach. */
  async route(name: string, podRanges: readonly string[]): Promise<void> {
    if (this.isReal(name)) await this.#parts.real?.route(name, podRanges);
  }

  async stop(): Promise<void> {
    await Promise.all([this.#power?.stop(), this.#parts.real?.close()]);
  }

  /** Throws TypeError where nothing would follow a script. */
  checkScripted(field: string): void {
    if (this.realNames.length === this.#machines.size && this.#machines.size > 0)
      throw new TypeError(`${field}: no node of this cluster is simulated, and real ones run pods truly`);
  }

  /** Throws where what runs could not be kept, or brought back. */
  checkKept(what: string): void {
    if (this.realNames.length > 0)
      throw new Error(
        `${what}: what runs on real nodes cannot be kept or brought back: ${this.realNames.join(", ")}`,
      );
  }

  /** Throws TypeError where no node has that name. */
  check(name: string): void {
    if (!this.#machines.has(name))
      throw new TypeError(
        `${JSON.stringify(name)} is no node of this cluster: ${this.names.join(", ") || "it has none"}`,
      );
  }

  #checkKind({ runtime }: RealMachine): void {
    const { machines, real } = this.#parts;
    const kind = [...machines.values()].find(isReal)?.runtime;
    if (real === undefined || kind === undefined)
      throw new TypeError(
        `node.runtime: ${JSON.stringify(runtime)} needs a cluster that began with such a node: its addresses are chosen by it`,
      );
    if (kind !== runtime)
      throw new TypeError(
        `node.runtime: ${JSON.stringify(runtime)} cannot be beside ${JSON.stringify(kind)}: their pods would not reach each other`,
      );
  }

  isReal(name: string): boolean {
    const machine = this.#machines.get(name);
    return machine !== undefined && isReal(machine);
  }

  #simulated(name: string, why: string): SimulatedPower {
    this.check(name);
    if (this.isReal(name) || this.#power === undefined)
      throw new TypeError(`${JSON.stringify(name)} is a real node, which ${why}`);
    return this.#power;
  }

  #simulate(machines: readonly SimulatedMachine[]): Running & SimulatedPower {
    const byName = new Map(machines.map((one) => [one.input.name, one]));
    const power = this.#parts.simulate(byName, this.#client());
    power.done.catch(() => undefined); // it has logged why
    this.#power = power;
    return power;
  }
}
