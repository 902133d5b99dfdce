import { below, chance, type Random } from "../../base/os/random.ts";
import type { Life, Machine } from "./machine.ts";
import type { SimOptions } from "./options.ts";

/** What the play may do. */
export interface InstallCutter {
  isolate(machine: Machine): void;
  release(machine: Machine): void;
  crash(machine: Machine): void;
  /** Asks a member to write something, whatever comes of it. */
  write(machine: Machine): void;
}

type Act =
  | { readonly act: "rest" }
  /** Alone with entries that nobody else has, while the others go on. */
  | { readonly act: "alone"; readonly life: Life; readonly committed: number }
  /** Back again: it is to be sent the others' state. */
  | { readonly act: "back"; readonly life: Life };

/** How many snapshots' worth of entries a tail is long at most. Where each entry is a message of its own, a long one takes more
 *  than the time of the whole run to be sent again. */
const tailSnapshots = ({ appendBytesMax }: SimOptions) => (appendBytesMax === 1 ? 2 : 15);

/** Aims at one moment: a leader that was cut off has gathered a long tail of entries nobody else has; the others go another way
 *  and forget the entries it lacks; it comes back, gets their state, and dies when that is in place and its log, which
 *  reaches further than the state, not yet marked. */
export class InterruptedInstall {
  readonly #options: SimOptions;
  readonly #random: Random;
  readonly #machines: readonly Machine[];
  readonly #cutter: InstallCutter;
  #act: Act = { act: "rest" };

  constructor(
    options: SimOptions,
    parts: {
      readonly random: Random;
      readonly machines: readonly Machine[];
      readonly cutter: InstallCutter;
    },
  ) {
    this.#options = options;
    this.#random = parts.random;
    this.#machines = parts.machines;
    this.#cutter = parts.cutter;
  }

  /** Begins anew. */
  play(): void {
    this.rest();
    const life = this.#leader(() => true);
    if (life?.member === undefined) return;
    this.#act = { act: "alone", life, committed: life.member.driver.status.committed };
    this.#cutter.isolate(life.machine);
    const writes = 10 + below(this.#random, tailSnapshots(this.#options) * this.#options.snapshotCount);
    for (let n = 0; n < writes; n++) this.#cutter.write(life.machine);
  }

  /** Looks how far the others are; to be called now and then. */
  look(): void {
    if (this.#act.act !== "alone") return;
    const { life, committed } = this.#act;
    const other = this.#leader((one) => one !== life);
    const firstIndex = other?.member?.driver.raftStatus.firstIndex ?? 0;
    if (firstIndex <= committed + 1) return;
    this.#act = { act: "back", life };
    this.#cutter.release(life.machine);
  }

  /** A member is about to mark a snapshot, which is its state already, in its log. */
  marking(life: Life): void {
    const isAimedAt = this.#act.act === "back" && this.#act.life === life;
    if (isAimedAt) this.#act = { act: "rest" };
    if (isAimedAt || chance(this.#random, this.#options.crashInstallerChance))
      this.#cutter.crash(life.machine);
  }

  rest(): void {
    if (this.#act.act === "alone") this.#cutter.release(this.#act.life.machine);
    this.#act = { act: "rest" };
  }

  #leader(which: (life: Life) => boolean): Life | undefined {
    const leaders = this.#machines.flatMap(({ life }) =>
      life !== undefined && which(life) && life.member?.driver.status.role === "leader" ? [life] : [],
    );
    return leaders[below(this.#random, leaders.length)];
  }
}
