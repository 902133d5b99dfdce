import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Answer {
  readonly status: number;
  /** Of both streams, as they came. */
  readonly output: string;
}

/** One bash in a folder, that runs one command after the other as a reader would type them: what one exports, starts in the
 *  background or changes to holds for the next. */
export class PageShell {
  readonly #bash: ChildProcess;
  readonly #folder: string;
  readonly #mark = `done-${randomUUID()}`;
  #heard = "";
  #onHeard: () => void = () => undefined;

  constructor(folder: string, env: NodeJS.ProcessEnv) {
    this.#folder = folder;
    // A group of its own, so that nothing that it starts outlives it.
    this.#bash = spawn("bash", ["--norc", "--noprofile"], {
      cwd: folder,
      env,
      detached: true,
      stdio: ["pipe", "pipe", "ignore"],
    });
    this.#bash.stdin?.write("exec 2>&1\n");
    this.#bash.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.#heard += text;
      this.#onHeard();
    });
    this.#bash.once("exit", () => this.#onHeard());
  }

  /** Runs lines of a script, and stops at the first that fails. */
  async run(script: string, timeoutMs: number): Promise<Answer> {
    const file = join(this.#folder, `.${this.#mark}.sh`);
    // `set -e` would end the shell, not the script.
    writeFileSync(file, `trap 'set -- $?; trap - ERR; return $1' ERR; ${script}\ntrap - ERR\n`);
    this.#heard = "";
    const ended = new RegExp(`^([\\s\\S]*?)\n${this.#mark} (\\d+)\n`);
    const answer = new Promise<Answer>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`not done within ${timeoutMs / 1000} s: ${script}\n${this.#heard}`)),
        timeoutMs,
      );
      this.#onHeard = () => {
        const found = ended.exec(this.#heard);
        const isGone = this.#bash.exitCode !== null || this.#bash.signalCode !== null;
        if (found === null && !isGone) return;
        clearTimeout(timer);
        if (found === null) reject(new Error(`the shell ended: ${script}\n${this.#heard}`));
        else resolve({ output: found[1] ?? "", status: Number(found[2]) });
      };
    });
    this.#bash.stdin?.write(`. '${file}' </dev/null; printf '\\n%s %d\\n' ${this.#mark} $?\n`);
    return await answer;
  }

  /** Ends what it left running, then itself. */
  async end(): Promise<void> {
    const { pid } = this.#bash;
    if (pid === undefined) return;
    const isGone = this.#bash.exitCode !== null || this.#bash.signalCode !== null;
    const gone = isGone ? undefined : once(this.#bash, "exit");
    const timer = setTimeout(() => endGroup(pid), 20_000);
    this.#bash.stdin?.end("kill $(jobs -p) 2>/dev/null; wait; exit\n");
    await gone;
    clearTimeout(timer);
    endGroup(pid);
  }
}

function endGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
