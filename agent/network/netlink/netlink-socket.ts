import { type ChildProcess, spawn } from "node:child_process";
import type { Socket } from "node:net";
import { packageFile } from "../../package-file.ts";
import { errorName } from "./netlink-message.ts";

/** Talks with the kernel: messages there, and all that it says to them back. One question at a time. */
export interface Netlink {
  /** Whether the process that was asked last has ever answered: one that has not is missing, or not allowed what it needs. */
  readonly hasAnswered: boolean;
  /** Rejects where the way to the kernel broke, which may have heard nevertheless. What is asked afterwards begins anew. */
  ask(messages: Uint8Array): Promise<Uint8Array>;
  close(): void;
}

export interface NetlinkOptions {
  /** So long an answer is waited for. */
  readonly answerMs?: number;
  /** How much is sent at once; 0: no more than usual, which anybody may. */
  readonly sendBytesMax?: number;
}

/** Numbers of `linux/netlink.h`. */
export const netlinkProtocols = { netfilter: 12, generic: 16 } as const;

/** The kernel answers in less than one, for all Services of a large cluster. */
const answerDefaultMs = 60_000;
const answerBytesMax = 16 * 1024 * 1024;
const saidMax = 1000;

/** By a process of Perl's that owns the socket (`netlink.pl`), in this process' network namespace: begun when it is first needed,
 *  and anew after it ended. It keeps nobody from ending. */
export function openNetlink(
  protocol: number,
  { answerMs = answerDefaultMs, sendBytesMax = 0 }: NetlinkOptions = {},
): Netlink {
  let owner: SocketOwner | undefined;
  let queue: Promise<unknown> = Promise.resolve();
  return {
    get hasAnswered() {
      return owner?.hasAnswered ?? false;
    },
    ask(messages) {
      const answer = queue.then(async () => {
        if (owner?.isRunning !== true) owner = new SocketOwner([protocol, sendBytesMax], answerMs);
        try {
          return await owner.ask(messages);
        } catch (error) {
          owner.end();
          throw error;
        }
      });
      queue = answer.catch(() => undefined); // who asked hears of it
      return answer;
    },
    close: () => owner?.end(),
  };
}

class SocketOwner {
  isRunning = true;
  hasAnswered = false;
  readonly #child: ChildProcess;
  readonly #answerMs: number;
  #answer: Uint8Array = new Uint8Array(0);
  #said = "";
  #waiting: Waiting | undefined;

  constructor(numbers: readonly number[], answerMs: number) {
    this.#answerMs = answerMs;
    const program = packageFile("agent/network/netlink/netlink.pl");
    if (program === undefined) throw new Error("agent/network/netlink/netlink.pl is missing");
    const child = spawn("perl", [program, ...numbers.map(String)], { stdio: ["pipe", "pipe", "pipe"] });
    this.#child = child;
    child.stdout.on("data", (data: Uint8Array) => this.#take(data));
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#said = (this.#said + text).slice(0, saidMax);
    });
    child.stdin.on("error", () => undefined); // it ended: its exit tells the story
    child.once("error", (error) => this.#ended(error.message));
    child.once("close", () => this.#ended(this.#said.trim() || "it ended"));
    this.#hold(false);
  }

  ask(messages: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.#hold(true);
      const tooLate = setTimeout(() => {
        this.#child.kill("SIGKILL");
        this.#fail(`no answer in ${this.#answerMs} ms`);
      }, this.#answerMs);
      this.#waiting = { resolve, reject, tooLate };
      const head = new Uint8Array(4);
      new DataView(head.buffer).setUint32(0, messages.length);
      this.#child.stdin?.write(head);
      this.#child.stdin?.write(messages);
    });
  }

  end(): void {
    this.isRunning = false;
    this.#child.stdin?.end();
  }

  #take(data: Uint8Array): void {
    this.#answer = this.#answer.length === 0 ? data : Buffer.concat([this.#answer, data]);
    if (this.#answer.length < 8) return;
    const view = new DataView(this.#answer.buffer, this.#answer.byteOffset);
    const length = view.getUint32(0);
    if (length > answerBytesMax) this.#fail("an answer is too long");
    else if (this.#answer.length >= 4 + length) this.#takeWhole(view, length);
  }

  #takeWhole(view: DataView, length: number): void {
    this.hasAnswered = true;
    const errno = view.getUint32(4);
    const answer = this.#answer.subarray(8, 4 + length);
    this.#answer = this.#answer.subarray(4 + length);
    if (errno === 0) this.#settle((one) => one.resolve(answer));
    else this.#settle((one) => one.reject(new Error(`cannot send to the kernel: ${errorName(errno)}`)));
  }

  #ended(why: string): void {
    this.isRunning = false;
    this.#fail(why);
  }

  #fail(why: string): void {
    this.end();
    this.#settle((one) => one.reject(new Error(`netlink helper: ${why}`)));
  }

  #settle(use: (waiting: Waiting) => void): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    this.#hold(false);
    clearTimeout(waiting?.tooLate);
    if (waiting !== undefined) use(waiting);
  }

  /** Only who waits for it keeps this process alive. */
  #hold(isWaitedFor: boolean): void {
    const { stdin, stdout, stderr } = this.#child;
    for (const one of [this.#child, stdin as Socket, stdout as Socket, stderr as Socket])
      isWaitedFor ? one.ref() : one.unref();
  }
}

interface Waiting {
  resolve(answer: Uint8Array): void;
  reject(error: Error): void;
  readonly tooLate: NodeJS.Timeout;
}
