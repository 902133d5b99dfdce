import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { type Clock, sleep } from "../../../base/os/clock.ts";
import type { Log } from "../../../base/os/log.ts";
import type { Random } from "../../../base/os/random.ts";
import { readEncryption, type Transformers } from "./configuration.ts";

/** What the flags say. */
export interface EncryptionConfig {
  readonly path: string;
  readonly reloads: boolean;
}

/** As often as Kubernetes. */
const pollMs = 60_000;

/** What `--encryption-provider-config` says now. */
export class EncryptionFile {
  readonly #path: string;
  readonly #random: Random;
  #text: string;
  #current: Transformers;

  /** Throws an Error that lists everything that is wrong. */
  constructor(path: string, random: Random) {
    this.#path = path;
    this.#random = random;
    this.#text = readFileSync(path, "utf8");
    this.#current = parsed(this.#text, random);
  }

  get current(): Transformers {
    return this.#current;
  }

  /** Takes over what the file says now; whether it said something new. Keeps to what it said before where it throws. */
  reload(): boolean {
    const text = readFileSync(this.#path, "utf8");
    if (text === this.#text) return false;
    this.#current = parsed(text, this.#random);
    this.#text = text;
    return true;
  }

  /** Reloads whenever the file changes, until the signal aborts. */
  async follow(
    { clock, log }: { readonly clock: Clock; readonly log: Log },
    signal: AbortSignal,
  ): Promise<void> {
    while (!signal.aborted) {
      await sleep(clock, pollMs, signal).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
      if (signal.aborted) return;
      try {
        if (this.reload()) log.info("took over a new encryption configuration", { path: this.#path });
      } catch (error) {
        log.error("the encryption configuration stays as it was", { path: this.#path, error });
      }
    }
  }
}

/** What is wrong with the file at `path`; for whoever starts a server. */
export function encryptionProblems(path: string, random: Random): readonly string[] {
  try {
    parsed(readFileSync(path, "utf8"), random);
    return [];
  } catch (error) {
    return (error instanceof Error ? error.message : String(error)).split("\n");
  }
}

function parsed(text: string, random: Random): Transformers {
  const problems: string[] = [];
  const transformers = readEncryption(parse(text), random, problems);
  if (problems.length > 0) throw new Error(problems.join("\n"));
  return transformers;
}
