import { tooManyRequests } from "../api-error.ts";

export interface InFlightLimits {
  readonly readingMax: number;
  readonly mutatingMax: number;
}

const readingMethods: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/** Counts requests under way. Reads and writes have bounds of their own; what lasts (watches, exec) is not counted. */
export class InFlight {
  readonly #limits: InFlightLimits;
  readonly count = { readOnly: 0, mutating: 0 };

  constructor(limits: InFlightLimits) {
    this.#limits = limits;
  }

  /** Enters; the returned function leaves (once). Fails with 429. */
  enter(method: string): () => void {
    const kind = readingMethods.has(method) ? "readOnly" : "mutating";
    const limit = kind === "readOnly" ? this.#limits.readingMax : this.#limits.mutatingMax;
    if (this.count[kind] >= limit) throw tooManyRequests("Too many requests, please try again later.", 1);
    this.count[kind]++;
    let inside = true;
    return () => {
      if (inside) this.count[kind]--;
      inside = false;
    };
  }
}
