import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const pintle = fileURLToPath(new URL("../bin/pintle", import.meta.url));

/** Starts `pintle WORDS` again whenever it ends, until it is stopped. */
export class KeptProcess {
  readonly #words: readonly string[];
  #child: ChildProcess;
  #stopped = false;
  /** How often it was started. */
  lives = 0;

  constructor(words: readonly string[]) {
    this.#words = words;
    this.#child = this.#start();
  }

  #start(): ChildProcess {
    this.lives++;
    const child = spawn(pintle, this.#words, { stdio: "ignore" });
    child.once("exit", () => {
      if (!this.#stopped) this.#child = this.#start();
    });
    return child;
  }

  /** Resolves once it has died and begun its next life. */
  async kill(): Promise<void> {
    const ended = this.#ended();
    this.#child.kill("SIGKILL");
    await ended;
  }

  /** Lets it do nothing, until it goes on as if no time had passed. */
  pause(): void {
    this.#child.kill("SIGSTOP");
  }

  goOn(): void {
    this.#child.kill("SIGCONT");
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.kill();
  }

  async #ended(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, "exit");
  }
}
