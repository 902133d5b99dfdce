import type { Random } from "../os/random.ts";

/** What one term does; `value` is what stands in its brackets. */
export interface Action {
  readonly kind: "off" | "return" | "sleep" | "panic" | "break" | "print";
  readonly value: string | number | boolean | undefined;
}

interface Term {
  /** Whether it is its turn: each of `5*` and `20.5%` before it must let it. */
  readonly allows: readonly ((random: Random) => boolean)[];
  readonly action: Action;
}

/** What stands in a failpoint's text cannot be read. */
export class TermsError extends Error {
  override readonly name = "TermsError";

  constructor() {
    super("failpoint: could not parse terms");
  }
}

/** gofail's terms (https://github.com/etcd-io/gofail/blob/master/doc/design.md): a chain of which the first acts whose turn it is,
 *  as `3*sleep(10)->50.0%return("busy")->panic`. */
export class Terms {
  readonly text: string;
  readonly #chain: readonly Term[];
  readonly #random: Random;
  /** How often one of them acted. */
  count = 0;

  /** Throws TermsError. */
  constructor(text: string, random: Random) {
    this.text = text;
    this.#chain = text.split("->").map(readTerm);
    this.#random = random;
  }

  /** What is to be done this time; undefined where it is no term's turn. */
  next(): Action | undefined {
    const term = this.#chain.find(({ allows }) => allows.every((allow) => allow(this.#random)));
    if (term === undefined) return undefined;
    this.count++;
    return term.action;
  }
}

const termForm = /^((?:\d+\*|\d+(?:\.\d*)?%)*)(off|return|sleep|panic|break|print)(?:\((.*)\))?$/s;

function readTerm(text: string): Term {
  const [, mods = "", kind, value] = termForm.exec(text) ?? [];
  if (kind === undefined) throw new TermsError();
  const allows = [...mods.matchAll(/([\d.]+)([*%])/g)].map(([, number, unit]) =>
    unit === "*" ? times(Number(number)) : chance(Number(number) / 100),
  );
  return { allows, action: { kind: kind as Action["kind"], value: readValue(value) } };
}

function times(count: number): (random: Random) => boolean {
  let left = count;
  return () => left-- > 0;
}

const chance = (share: number) => (random: Random) => random.uint32() / 2 ** 32 <= share;

function readValue(text: string | undefined): Action["value"] {
  if (text === undefined || text === "") return undefined;
  if (text === "true" || text === "false") return text === "true";
  if (/^-?\d+$/.test(text)) return Number(text);
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "string") return value;
  } catch {
    throw new TermsError();
  }
  throw new TermsError();
}
