import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

/** A shell with a terminal of its own, typed into. */
export class TypedShell {
  readonly #child: ChildProcess;
  #shown = "";
  #told: () => void = () => undefined;

  /** `command` is run by sh on a new terminal. */
  constructor(command: string, env: Readonly<Record<string, string>>) {
    this.#child = spawn("script", ["-qec", command, "/dev/null"], {
      env: { ...env, TERM: "dumb" },
      stdio: ["pipe", "pipe", "ignore"],
    });
    this.#child.stdout?.on("data", (data) => {
      this.#shown += data;
      this.#told();
    });
    this.#child.once("exit", () => this.#told());
  }

  /** What was shown since the last call, once `marker` is there. */
  async until(marker: string): Promise<string> {
    for (;;) {
      const at = this.#shown.indexOf(marker);
      if (at >= 0) {
        const shown = this.#shown.slice(0, at + marker.length);
        this.#shown = this.#shown.slice(at + marker.length);
        return shown;
      }
      if (this.#child.exitCode !== null) throw new Error(`the shell ended: ${JSON.stringify(this.#shown)}`);
      await new Promise<void>((resolve) => {
        this.#told = resolve;
      });
    }
  }

  type(keys: string): void {
    this.#child.stdin?.write(keys);
  }

  /** Resolves when the shell is gone, and with it whatever it still had to write. */
  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, "exit");
    const stuck = setTimeout(() => this.#child.kill("SIGKILL"), 10_000); // the terminal goes, and the shell with it
    this.type("\u0015exit\r");
    await exit;
    clearTimeout(stuck);
  }
}
