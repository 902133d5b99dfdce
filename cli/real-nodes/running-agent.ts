import { type ChildProcess, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { deferred } from "../../base/deferred.ts";

export interface AgentStart {
  /** Words after `pintle`. */
  readonly argv: readonly string[];
  /** Those of them that this node alone has. */
  readonly flags: readonly string[];
  /** Is entered first. */
  readonly networkNamespace: string | undefined;
  /** What it says at this level and above goes to standard error; absent: nothing does. */
  readonly log: string | undefined;
}

const lastLinesMost = 6;
const lastWordsMs = 500;

/** A node's agent, a process of its own. */
export class RunningAgent {
  readonly flags: readonly string[];
  readonly startedMs = Date.now();
  readonly #process: ChildProcess;
  readonly #ended = deferred<void>();
  #isKilled = false;
  #lastLines: readonly string[] = [];

  private constructor(started: ChildProcess, { flags }: AgentStart, onEnd: (why: string) => void) {
    this.flags = flags;
    this.#process = started;
    let isTold = false;
    const tell = (how: string) => {
      this.#ended.resolve();
      if (isTold || this.#isKilled) return;
      isTold = true;
      onEnd(this.#lastWords(how));
    };
    started.once("error", (error) => tell(error.message));
    started.once("exit", (code, signal) => {
      this.#ended.resolve();
      const how = signal ?? `exit status ${code}`;
      // What it said last may still be on its way; somebody else may hold its output open.
      const late = setTimeout(() => tell(how), lastWordsMs);
      started.once("close", () => {
        clearTimeout(late);
        tell(how);
      });
    });
  }

  /** @param onEnd It has ended, which nobody had asked for: why. */
  static start(start: AgentStart, onEnd: (why: string) => void): RunningAgent {
    const enter =
      start.networkNamespace === undefined
        ? []
        : ["nsenter", `--net=/run/netns/${start.networkNamespace}`, "--"];
    const level = `--log-level=${start.log ?? "warn"}`;
    const program = [process.execPath, ...process.execArgv, process.argv[1] ?? "pintle"];
    const [command = "", ...words] = [...enter, ...program, ...start.argv, level];
    const started = spawn(command, words, { stdio: ["ignore", "ignore", "pipe"], detached: true });
    const agent = new RunningAgent(started, start, onEnd);
    agent.#hear(started.stderr, start.log !== undefined);
    return agent;
  }

  get pid(): number | undefined {
    return this.#process.exitCode === null && this.#process.signalCode === null
      ? this.#process.pid
      : undefined;
  }

  /** As a power cut would. Resolves once it is gone; at once where it is. */
  async kill(): Promise<void> {
    this.#isKilled = true;
    this.#process.kill("SIGKILL");
    await this.#ended.promise;
  }

  #hear(output: Readable, isPassedOn: boolean): void {
    output.setEncoding("utf8");
    output.on("data", (text: string) => {
      if (isPassedOn) process.stderr.write(text);
      const lines = text.split("\n").filter((line) => line.trim() !== "");
      this.#lastLines = [...this.#lastLines, ...lines].slice(-lastLinesMost);
    });
  }

  /** Its own closing line where it wrote one, else the last lines that it said. */
  #lastWords(how: string): string {
    const closing = this.#lastLines.findLast((line) => line.startsWith("pintle agent: "));
    const words = closing?.replace("pintle agent: ", "") ?? this.#lastLines.join("\n");
    return words === "" ? how : words;
  }
}
