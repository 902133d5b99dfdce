import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { backoffMs } from "../../base/backoff.ts";
import { deferred } from "../../base/deferred.ts";
import { type Clock, sleep } from "../../base/os/clock.ts";
import type { Log } from "../../base/os/log.ts";
import type { Random } from "../../base/os/random.ts";
import { OperatorError } from "../command.ts";
import type { ComponentState } from "./cluster-state.ts";
import type { Layout } from "./layout.ts";
import type { ComponentSpec } from "./topology.ts";

/** Starts components as child processes, restarts what dies with back-off, and takes everything down again.
 *  Invariant: after `stop()` resolves no child of this supervisor is running, but for one that SIGKILL cannot end. */
export interface SupervisorParts {
  readonly layout: Layout;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  /** The program and arguments that run `pintle`. */
  readonly program: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly onChange: () => void;
}

interface Child {
  readonly spec: ComponentSpec;
  process: ChildProcess | undefined;
  restarts: number;
  failuresInRow: number;
  startedMs: number;
  cancelRestart: (() => void) | undefined;
}

const backoff = { firstMs: 200, mostMs: 10_000 };
/** Running this long counts as recovered: the next failure starts the back-off anew. */
const settledMs = 10_000;
const stopGraceMs = 8_000;
/** How long a killed component may take to be gone; the kernel may be unable to end it. */
const killWaitMs = 2_000;

export class Supervisor {
  readonly #parts: SupervisorParts;
  readonly #children = new Map<string, Child>();
  #stopping = false;

  constructor(parts: SupervisorParts) {
    this.#parts = parts;
  }

  start(spec: ComponentSpec): void {
    const child: Child = {
      spec,
      process: undefined,
      restarts: 0,
      failuresInRow: 0,
      startedMs: 0,
      cancelRestart: undefined,
    };
    this.#children.set(spec.name, child);
    this.#launch(child);
  }

  states(): ComponentState[] {
    return [...this.#children.values()].map(({ spec, process: running, restarts, startedMs }) => ({
      name: spec.name,
      kind: spec.kind,
      pid: running?.pid ?? null,
      restarts,
      startedMs,
    }));
  }

  /** How often a component has failed without recovering; to give up waiting for one that cannot start. */
  failures(name: string): number {
    return this.#children.get(name)?.failuresInRow ?? 0;
  }

  /** What a component said when it ended: its own closing line where it wrote one, else the last lines of its log. */
  async lastWords(name: string): Promise<string> {
    const text = await readFile(this.#parts.layout.log(name), "utf8").catch((error: Error) => error.message);
    const lines = text.trimEnd().split("\n");
    const closing = lines.findLast((line) => line.startsWith("pintle "));
    return closing === undefined ? lines.slice(-6).join("\n") : closing.replace(/^pintle [\w-]+: /, "");
  }

  #launch(child: Child): void {
    const { spec } = child;
    const { layout, clock, log } = this.#parts;
    const output = openSync(layout.log(spec.name), "a", 0o600);
    const enter =
      spec.networkNamespace === undefined
        ? []
        : ["nsenter", `--net=/run/netns/${spec.networkNamespace}`, "--"];
    const [program = "", ...args] = [...enter, ...this.#parts.program, ...spec.argv];
    // A group of its own: Ctrl-C at the terminal reaches only the supervisor, which stops the parts in order.
    const { env } = this.#parts;
    const started = spawn(program, args, { stdio: ["ignore", output, output], detached: true, env });
    closeSync(output);
    child.process = started;
    child.startedMs = clock.wallMs();
    const launchedMs = clock.monotonicMs();
    let over = false;
    const ended = (why: string) => {
      if (over) return;
      over = true;
      child.process = undefined;
      if (!this.#stopping) {
        child.failuresInRow = clock.monotonicMs() - launchedMs > settledMs ? 1 : child.failuresInRow + 1;
        const delayMs =
          child.failuresInRow === 1 ? 0 : backoffMs(backoff, child.failuresInRow - 1, this.#parts.random);
        log.warn("component ended; restarting", { component: spec.name, why, delayMs: Math.round(delayMs) });
        child.cancelRestart = clock.after(delayMs, () => {
          child.restarts++;
          this.#launch(child);
        });
      }
      this.#parts.onChange();
    };
    started.once("error", (error) => ended(error.message));
    started.once("exit", (code, signal) => ended(signal ?? `exit status ${code}`));
    this.#parts.onChange();
  }

  /** Ends everything in reverse order of kinds: nodes first, the store last. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const child of this.#children.values()) child.cancelRestart?.();
    for (const kinds of [
      ["agent"],
      ["scheduler", "controller-manager"],
      ["apiserver"],
      ["server", "store"],
    ]) {
      const group = [...this.#children.values()].filter((child) => kinds.includes(child.spec.kind));
      await Promise.all(group.map((child) => this.#end(child)));
    }
  }

  async #end(child: Child): Promise<void> {
    const running = child.process;
    if (running === undefined) return;
    const { clock, log } = this.#parts;
    const component = child.spec.name;
    const ended = deferred<void>();
    running.once("exit", () => ended.resolve());
    running.kill("SIGTERM");
    let cancel = clock.after(stopGraceMs, () => {
      log.warn("component does not stop; killing it", { component });
      running.kill("SIGKILL");
      cancel = clock.after(killWaitMs, () => {
        log.error("component cannot be ended", { component, pid: running.pid });
        ended.resolve();
      });
    });
    await ended.promise;
    cancel();
  }
}

export interface Waiting {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

/** Resolves when `check` says yes; gives up, saying why, when the component keeps dying or time runs out. */
export async function untilReady(
  supervisor: Supervisor,
  spec: { readonly name: string },
  check: () => Promise<boolean>,
  waiting: Waiting,
): Promise<void> {
  const { clock, signal, timeoutMs } = waiting;
  const deadlineMs = clock.monotonicMs() + timeoutMs;
  for (let delayMs = 20; ; delayMs = Math.min(delayMs * 1.3, 200)) {
    if (await check()) return;
    if (supervisor.failures(spec.name) >= 3)
      throw new OperatorError(`${spec.name} does not start: ${await supervisor.lastWords(spec.name)}`);
    if (clock.monotonicMs() > deadlineMs)
      throw new OperatorError(
        `${spec.name} is not ready after ${Math.round(timeoutMs / 1000)} s: ${await supervisor.lastWords(spec.name)}`,
      );
    await sleep(clock, delayMs, signal);
  }
}
