import { writeSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { systemRandom } from "../os/random.ts";
import { type Action, Terms } from "./terms.ts";

const stderrFile = 2;
/** Go's status of a process that panicked. */
const panicStatus = 2;

/** A place in the code at which the process can be made to fail from outside. It does nothing until somebody arms it; whoever comes
 *  by asks `armed` first. */
export class Failpoint {
  readonly name: string;
  #terms: Terms | undefined;
  armed = false;

  constructor(name: string) {
    this.name = name;
  }

  /** Undefined while it is not armed. */
  get terms(): Terms | undefined {
    return this.#terms;
  }

  /** Throws TermsError. */
  arm(text: string): void {
    this.#terms = new Terms(text, systemRandom);
    this.armed = true;
  }

  disarm(): void {
    this.#terms = undefined;
    this.armed = false;
  }

  /** Acts; resolves when the work may go on. */
  async pass(): Promise<void> {
    const ms = this.delayMs();
    if (ms > 0) await delay(ms);
  }

  /** The same where nobody can wait: to sleep is to hold the thread. */
  block(): void {
    const ms = this.delayMs();
    if (ms > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  }

  /** Acts, but for a wait, which is left to the caller: for so many milliseconds. */
  delayMs(): number {
    const action = this.#terms?.next();
    return action === undefined ? 0 : this.#act(action);
  }

  /** What `return(…)` says; undefined where something else is to be done, which then is done. `return` alone says "". */
  returned(): string | undefined {
    const action = this.#terms?.next();
    if (action?.kind === "return") return String(action.value ?? "");
    if (action !== undefined) this.#act(action);
    return undefined;
  }

  #act({ kind, value }: Action): number {
    switch (kind) {
      case "panic":
        return this.#panic(value);
      case "print":
        writeSync(stderrFile, `failpoint print: ${value ?? this.name}\n`);
        return 0;
      case "sleep":
        return sleepMs(value);
      default:
        return 0; // `return` means something only where a value is asked for, and there is no debugger to break into
    }
  }

  /** Ends the process as it stands: nothing is written or told any more. */
  #panic(value: Action["value"]): never {
    writeSync(stderrFile, `panic: failpoint panic: ${value ?? "{}"}\n\n${new Error(this.name).stack}\n`);
    process.exit(panicStatus);
  }
}

/** A number counts milliseconds; a text has units. */
function sleepMs(value: Action["value"]): number {
  if (typeof value === "number") return value;
  const [, number, unit] = /^([\d.]+)(us|µs|ms|s|m)$/.exec(String(value)) ?? [];
  const unitMs = { us: 0.001, µs: 0.001, ms: 1, s: 1_000, m: 60_000 }[unit ?? ""] ?? 0;
  return Number(number ?? 0) * unitMs;
}

const registered = new Map<string, Failpoint>();

/** Declares a failpoint, beside the code in which it stands. They are the process', as gofail's are. */
export function failpoint(name: string): Failpoint {
  const known = registered.get(name);
  if (known !== undefined) return known;
  const one = new Failpoint(name);
  registered.set(name, one);
  return one;
}

export const failpointNamed = (name: string): Failpoint | undefined => registered.get(name);

/** All that were declared, by name. */
export const failpointNames = (): readonly string[] => [...registered.keys()].sort();
