import { spawn } from "node:child_process";
import { connect } from "node:net";
import { Duplex, type Readable, type Writable } from "node:stream";
import { dialText } from "../../../base/dial-text.ts";
import { RuntimeError } from "../seam.ts";
import type { SandboxRecord } from "./records.ts";
import { shimFile } from "./start-shim.ts";

/** How long a connection may take to be made. */
const connectMs = 30_000;
const refusalCharsMax = 2048;

/** `Runtime.connectPort` over these sandboxes. */
export function podPorts(
  sandboxes: ReadonlyMap<string, SandboxRecord>,
  isReady: (record: SandboxRecord) => boolean,
): (sandboxId: string, port: number) => Promise<Duplex> {
  return (sandboxId, port) => connectPodPort(sandboxes.get(sandboxId), isReady, port);
}

/** Connects to a port as somebody in the pod would, at localhost, wherever the pod has a network of its own. A plain process has
 *  its address on the machine's loopback instead, which it shares with others: there that address is asked. */
export function connectPodPort(
  record: SandboxRecord | undefined,
  isReady: (record: SandboxRecord) => boolean,
  port: number,
): Promise<Duplex> {
  if (record === undefined) return Promise.reject(new RuntimeError("sandbox not found"));
  if (!isReady(record))
    return Promise.reject(new RuntimeError(`sandbox container "${record.id}" is not running`));
  const { hostNetwork } = record.config;
  if (record.pause !== undefined && !hostNetwork) return inNamespace(record.pause.pid, port);
  return fromHere(hostNetwork ? ["127.0.0.1", "::1"] : [record.address?.podIp ?? "127.0.0.1"], port);
}

async function fromHere(hosts: readonly string[], port: number): Promise<Duplex> {
  const refusals: string[] = [];
  for (const host of hosts) {
    const made = await new Promise<Duplex | string>((resolve) => {
      const socket = connect({ host, port, allowHalfOpen: true });
      socket.setTimeout(connectMs, () =>
        socket.destroy(Object.assign(new Error("too late"), { code: "ETIMEDOUT" })),
      );
      socket.on("error", (error) => resolve(dialText(error, { host, port })));
      socket.once("connect", () => {
        socket.setTimeout(0);
        resolve(socket);
      });
    });
    if (typeof made !== "string") return made;
    refusals.push(made);
  }
  throw new RuntimeError(`failed to connect to port ${port} of the pod: ${refusals.join(", ")}`);
}

/** Only a process can enter a namespace that is not its own: one carries the bytes of each connection. */
function inNamespace(pid: number, port: number): Promise<Duplex> {
  const program = shimFile("port.pl");
  if (program === undefined) return Promise.reject(new RuntimeError("agent/runtime/shim/port.pl is missing"));
  const child = spawn("nsenter", [`--net=/proc/${pid}/ns/net`, "--", "perl", program, String(port)], {
    stdio: ["pipe", "pipe", "ignore", "pipe"],
    env: { PATH: process.env.PATH ?? "/usr/sbin:/usr/bin:/sbin:/bin" },
  });
  const [input, output, , answer] = child.stdio as unknown as [Writable, Readable, null, Readable];
  const kill = () => child.kill("SIGKILL");
  return new Promise((resolve, reject) => {
    const fail = (message: string, cause?: unknown) => {
      clearTimeout(timer);
      kill();
      reject(new RuntimeError(message, { cause }));
    };
    const timer = setTimeout(() => fail(`connecting to port ${port} of the pod takes too long`), connectMs);
    let said = "";
    child.once("error", (cause) => fail("cannot run nsenter", cause));
    answer.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(0, refusalCharsMax);
    });
    answer.once("close", () => {
      if (said !== "\n") return fail(said.trim() || "the pod's network namespace cannot be entered");
      clearTimeout(timer);
      resolve(new CarriedConnection(input, output, kill));
    });
  });
}

/** The two pipes of a process that carries a connection. */
class CarriedConnection extends Duplex {
  readonly #input: Writable;
  readonly #output: Readable;
  readonly #kill: () => void;

  constructor(input: Writable, output: Readable, kill: () => void) {
    super({ allowHalfOpen: true });
    this.#input = input;
    this.#output = output;
    this.#kill = kill;
    // Its process has gone: what it said is read first, and nobody takes more.
    input.on("error", () => input.destroy());
    output.on("error", () => this.destroy());
    output.on("data", (bytes: Buffer) => {
      if (!this.push(bytes)) output.pause();
    });
    output.on("end", () => this.push(null));
    output.pause();
  }

  override _read(): void {
    this.#output.resume();
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#input.write(bytes, done);
  }

  override _final(done: () => void): void {
    this.#input.end(done);
    if (this.#input.destroyed) done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#kill();
    this.#input.destroy();
    this.#output.destroy();
    done(error);
  }
}
