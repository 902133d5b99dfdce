import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { packageFile } from "../../package-file.ts";
import { errorName } from "./netlink-message.ts";

/** Talks with the kernel: messages there, and all that it says to them back. One question at a time. */
export interface Netlink {
  ask(messages: Uint8Array): Promise<Uint8Array>;
  /** What is asked afterwards begins anew. */
  close(): void;
}

/** Numbers of `linux/netlink.h`. */
export const netlinkProtocols = { generic: 16 } as const;

/** By a process of Perl's that owns the socket (`netlink.pl`), in this process' network namespace: begun when it is first needed,
 *  and anew after it ended. It keeps nobody from ending. */
export function openNetlink(protocol: number): Netlink {
  let owner: SocketOwner | undefined;
  let queue: Promise<unknown> = Promise.resolve();
  return {
    ask(messages) {
      const answer = queue.then(async () => {
        owner ??= new SocketOwner(protocol);
        try {
          return await owner.ask(messages);
        } catch (error) {
          owner.end();
          owner = undefined;
          throw error;
        }
      });
      queue = answer.catch(() => undefined); // the caller hears of it
      return answer;
    },
    close() {
      owner?.end();
      owner = undefined;
    },
  };
}

const answerBytesMax = 64 * 1024 * 1024;
const saidMax = 1000;

class SocketOwner {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  #answer: Uint8Array = new Uint8Array(0);
  #said = "";
  #waiting: { resolve(answer: Uint8Array): void; reject(error: Error): void } | undefined;
  #ended: Error | undefined;

  constructor(protocol: number) {
    const program = packageFile("agent/network/netlink/netlink.pl");
    if (program === undefined) throw new Error("agent/network/netlink/netlink.pl is missing");
    const child = spawn("perl", [program, `${protocol}`], { stdio: ["pipe", "pipe", "pipe"] });
    this.#child = child;
    child.stdout.on("data", (data: Uint8Array) => this.#take(data));
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#said = (this.#said + text).slice(0, saidMax);
    });
    child.stdin.on("error", () => undefined); // it ended, and its end says why
    child.once("error", (error) => this.#fail(new Error(`perl: ${error.message}`, { cause: error })));
    child.once("close", () => this.#fail(new Error(`netlink: ${this.#said.trim() || "its process ended"}`)));
    this.#hold(false);
  }

  ask(messages: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) {
        reject(this.#ended);
        return;
      }
      this.#waiting = { resolve, reject };
      this.#hold(true);
      const head = new Uint8Array(4);
      new DataView(head.buffer).setUint32(0, messages.length);
      this.#child.stdin.write(head);
      this.#child.stdin.write(messages);
    });
  }

  end(): void {
    this.#child.stdin.destroy();
    this.#child.kill("SIGKILL");
  }

  #take(data: Uint8Array): void {
    const all = this.#answer.length === 0 ? data : Buffer.concat([this.#answer, data]);
    this.#answer = all;
    if (all.length < 8) return;
    const view = new DataView(all.buffer, all.byteOffset, all.byteLength);
    const wholeLength = 4 + view.getUint32(0);
    if (wholeLength > answerBytesMax) this.end();
    if (all.length < wholeLength) return;
    this.#answer = all.subarray(wholeLength);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    this.#hold(false);
    const errno = view.getUint32(4);
    if (errno === 0) waiting?.resolve(all.subarray(8, wholeLength));
    else waiting?.reject(new Error(`netlink: ${errorName(errno)}`));
  }

  #fail(error: Error): void {
    this.#ended ??= error;
    this.#hold(false);
    this.#waiting?.reject(this.#ended);
    this.#waiting = undefined;
  }

  /** Whether this process waits for it. */
  #hold(isHeld: boolean): void {
    const { stdin, stdout, stderr } = this.#child;
    for (const one of [this.#child, stdin, stdout, stderr] as { ref?(): void; unref?(): void }[])
      if (isHeld) one.ref?.();
      else one.unref?.();
  }
}
