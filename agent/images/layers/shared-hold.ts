import { holdFile } from "../../../base/os/hold-file.ts";
import { unlessAborted } from "../../../base/unless-aborted.ts";

const nobody = new AbortController().signal;

/** A file's lock, shared with other processes, once for all in this one who want it at the same time. */
export class SharedHold {
  readonly #path: string;
  #users = 0;
  #held: Promise<() => Promise<void>> | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Answers how to let go. */
  async take(signal: AbortSignal = nobody): Promise<() => Promise<void>> {
    this.#users++;
    this.#held ??= holdFile(this.#path, { shared: true, wait: nobody });
    try {
      await unlessAborted(this.#held, signal);
    } catch (error) {
      await this.#leave().catch(() => undefined); // the same failure again, or none
      throw error;
    }
    return () => this.#leave();
  }

  async #leave(): Promise<void> {
    if (--this.#users > 0) return;
    const held = this.#held;
    this.#held = undefined;
    await (await held)?.();
  }
}
