import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type Duplex, PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { duplexPair } from "../../base/http2/duplex-pair.ts";
import { describeError } from "../../base/os/log.ts";
import type { Os } from "../../base/os/os.ts";
import type { Pod } from "../../client/types.ts";
import { type RuntimeContainer, RuntimeError, type Session } from "../runtime/seam.ts";
import { BadQuery, isAsked, type LogQuery, logQuery, shownBytes } from "../server/container-logs.ts";
import type { LogLine } from "../server/cri-log.ts";
import { askedOf, logTarget } from "../server/targets.ts";
import { serveUpgrade } from "../server/upgrades.ts";
import type { ExecAnswer, PodBehaviours } from "./pod-behaviour.ts";
import type { SimulatedPods } from "./simulated-pods.ts";

export interface SimulatedServerDeps {
  readonly os: Pick<Os, "clock" | "log">;
  readonly pods: Pick<SimulatedPods, "find" | "onWork">;
  readonly behaviours: PodBehaviours;
}

interface Known {
  readonly pods: readonly Pod[];
  readonly containers: readonly RuntimeContainer[];
}

/** What simulated nodes answer of their containers: logs and commands, as scripts say. It listens nowhere: whoever asks is handed a
 *  connection within the process. */
export class SimulatedServer {
  readonly #deps: SimulatedServerDeps;
  readonly #server: Server;
  readonly #connections = new Set<Duplex>();

  constructor(deps: SimulatedServerDeps) {
    this.#deps = deps;
    this.#server = createServer((request, answer) => {
      this.#route(request, answer).catch((error: unknown) => {
        if (!answer.headersSent) answer.writeHead(error instanceof BadQuery ? 400 : 500);
        answer.end(`${describeError(error)}\n`);
      });
    });
    this.#server.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head));
  }

  /** A connection to it. */
  connect(): Duplex {
    const [near, far] = duplexPair();
    this.#connections.add(far);
    far.on("error", () => far.destroy());
    far.on("close", () => this.#connections.delete(far));
    this.#server.emit("connection", far);
    return near;
  }

  close(): void {
    for (const far of [...this.#connections]) far.destroy();
  }

  async #route(request: IncomingMessage, answer: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "https://node");
    const asked = askedOf(url.pathname);
    if (asked?.verb !== "containerLogs") return void answer.writeHead(404).end("404 page not found\n");
    const known = this.#known(asked.namespace, asked.pod);
    const isPrevious = ["true", "1"].includes(url.searchParams.get("previous") ?? "");
    const target = logTarget(asked, isPrevious, known);
    if ("missing" in target) return void answer.writeHead(target.code).end(target.missing);
    const query = logQuery(url.searchParams, this.#deps.os.clock.wallMs());
    answer.writeHead(200, { "content-type": "text/plain" });
    answer.flushHeaders();
    const left = new AbortController();
    answer.once("close", () => left.abort());
    for await (const piece of shownBytes(this.#lines(target.container, query, left.signal), query)) {
      if (answer.destroyed) return;
      if (!answer.write(piece)) await drained(answer);
    }
    answer.end();
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const asked = askedOf(new URL(request.url ?? "/", "https://node").pathname);
    const known = this.#known(asked?.namespace ?? "", asked?.pod ?? "");
    const refuse = async (): Promise<never> => {
      throw new RuntimeError(
        "nothing runs in containers of simulated nodes; only logs and commands can be scripted",
      );
    };
    const runtime = {
      listContainers: () => known.containers,
      listPodSandboxes: () => [],
      containerStatus: (id: string) => known.containers.find((one) => one.id === id),
      subscribe: () => () => undefined,
      attach: refuse,
      connectPort: refuse,
      exec: async (
        id: string,
        { command, stdin }: { readonly command: readonly string[]; readonly stdin: boolean },
      ) => this.#exec(id, command, stdin, known),
    };
    serveUpgrade({ request, socket, head }, { os: this.#deps.os, pods: () => known.pods, runtime });
  }

  #known(namespace: string, name: string): Known {
    const found = this.#deps.pods.find({ namespace, name });
    return found === undefined
      ? { pods: [], containers: [] }
      : { pods: [found.pod], containers: found.simulated.containers };
  }

  #exec(
    id: string,
    command: readonly string[],
    takesInput: boolean,
    { pods: [pod], containers }: Known,
  ): Session {
    const container = containers.find((one) => one.id === id);
    const script = pod && container && this.#deps.behaviours.of("exec", pod, container);
    if (pod === undefined || script === undefined)
      throw new RuntimeError(
        `nothing runs in containers of simulated nodes: say by exec: (command) => … what ${JSON.stringify(command[0] ?? "")} answers there`,
      );
    const stdin = takesInput ? new PassThrough() : undefined;
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const run = async () => {
      const read = stdin === undefined ? "" : await text(stdin);
      const runOf = this.#deps.pods.find({
        namespace: pod.metadata.namespace,
        name: pod.metadata.name,
      })?.simulated;
      const now = runOf?.runOf(pod, id, this.#deps.os.clock.wallMs());
      if (now === undefined) throw new RuntimeError("the pod is gone");
      const answer = answerOf(await script(command, { ...now, stdin: read }));
      stdout.end(answer.stdout);
      stderr.end(answer.stderr);
      return answer.code;
    };
    const exited = run().catch((error: unknown) => {
      stdout.end();
      stderr.end();
      throw error;
    });
    return { stdin, stdout, stderr, resize: () => undefined, exited, kill: () => void stdin?.end() };
  }

  /** What a container has written, and, where that is followed, what it writes until it ends. */
  async *#lines(
    container: RuntimeContainer,
    query: LogQuery,
    signal: AbortSignal,
  ): AsyncGenerator<LogLine, void, void> {
    const { pods, os } = this.#deps;
    const { id, pod: ref } = container;
    const { state } = container;
    const startedAtMs = state.phase === "created" ? container.createdAtMs : state.startedAtMs;
    const first = this.#written(container, os.clock.wallMs());
    const asked = first.map((line) => lineOf(line, startedAtMs)).filter((line) => isAsked(line, query));
    yield* query.tailLines === undefined ? asked : query.tailLines === 0 ? [] : asked.slice(-query.tailLines);
    if (!query.follow || query.previous) return;
    let count = first.length;
    for (;;) {
      const now = pods.find(ref)?.simulated.containers.find((one) => one.id === id);
      const isOver = now?.state.phase !== "running";
      const nowMs = os.clock.wallMs();
      const all = this.#written(now ?? container, nowMs);
      for (const line of all.slice(count)) yield lineOf(line, nowMs);
      count = Math.max(count, all.length);
      if (isOver || signal.aborted) return;
      await new Promise<void>((resolve) => {
        const wake = () => {
          off();
          signal.removeEventListener("abort", wake);
          resolve();
        };
        const off = pods.onWork(wake);
        signal.addEventListener("abort", wake, { once: true });
      });
    }
  }

  /** Its lines. A container that has ended wrote what it had until then. */
  #written({ id, name, image, pod: ref, state }: RuntimeContainer, nowMs: number): readonly string[] {
    const found = this.#deps.pods.find(ref);
    const script = found && this.#deps.behaviours.of("logs", found.pod, { name, image });
    if (found === undefined || script === undefined) return [];
    const atMs = state.phase === "exited" ? state.finishedAtMs : nowMs;
    const written = typeof script === "string" ? script : script(found.simulated.runOf(found.pod, id, atMs));
    const lines = written.split("\n");
    if (lines.at(-1) === "") lines.pop();
    return lines;
  }
}

const lineOf = (line: string, atMs: number): LogLine => ({
  time: new Date(atMs).toISOString().replace("Z", "000000Z"),
  stream: "stdout",
  partial: false,
  text: Buffer.from(line),
});

function answerOf(answer: ExecAnswer): {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
} {
  const { stdout = "", stderr = "", code = 0 } = typeof answer === "string" ? { stdout: answer } : answer;
  return { stdout, stderr, code };
}

function drained(answer: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      answer.off("drain", done);
      answer.off("close", done);
      resolve();
    };
    answer.once("drain", done);
    answer.once("close", done);
  });
}
