import { type ChildProcess, spawn } from "node:child_process";
import type { Socket } from "node:net";
import { describeError, type Log } from "../../../base/os/log.ts";
import { packageFile } from "../../package-file.ts";
import { type EncodedChange, encodeTableRequest, type TableName } from "./encode-change.ts";
import { errorCode, parseReplies, type Replies } from "./replies.ts";

/** The kernel's nftables, spoken to without a program for each change. */
export interface NftSocket {
  /** False once it turned out that there is none here: programs must do. */
  readonly isUsable: boolean;
  /** Rejects where the kernel refused the change, of which it then has nothing; or where the way to it broke: it may have it. */
  commit(change: EncodedChange): Promise<void>;
  hasTable(table: TableName): Promise<boolean>;
  close(): void;
}

export class NftRefusal extends Error {
  override readonly name = "NftRefusal";
}

export function openNftSocket(log: Log, { answerMs = answerDefaultMs } = {}): NftSocket {
  return new PerlSocket(log, answerMs);
}

/** The kernel answers in less than one, for all Services of a large cluster. */
const answerDefaultMs = 60_000;

const answerMax = 16 * 1024 * 1024;

/** A process of Perl's that owns the socket (`socket.pl`); begun when it is first needed, and anew after it ended. */
class PerlSocket implements NftSocket {
  isUsable = true;
  readonly #log: Log;
  readonly #answerMs: number;
  readonly #path = packageFile("agent/network/nfnetlink/socket.pl");
  #child: Helper | undefined;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(log: Log, answerMs: number) {
    this.#log = log;
    this.#answerMs = answerMs;
  }

  async commit({ bytes, asked }: EncodedChange): Promise<void> {
    const { errors, acknowledged } = await this.#request(bytes);
    const said = errors.map(({ sequence, code }) => `${asked[sequence] ?? "the change"}: ${code}`);
    if (said.length > 0) throw new NftRefusal(said.slice(0, saidMax).join("; "));
    if (!acknowledged.has(asked.length - 1)) throw new Error("the kernel did not acknowledge a change");
  }

  async hasTable(table: TableName): Promise<boolean> {
    const { errors, others } = await this.#request(encodeTableRequest(table));
    const [error] = errors;
    if (error !== undefined && error.code !== "ENOENT") throw new NftRefusal(error.code);
    return others > 0;
  }

  close(): void {
    this.#child?.end();
  }

  #request(bytes: Uint8Array): Promise<Replies> {
    const done = this.#queue.then(async () => {
      try {
        return parseReplies(await this.#helper().ask(bytes));
      } catch (error) {
        this.#child?.end();
        // One that never answered is missing, or not allowed what it needs.
        if (this.#child?.hasAnswered !== true && this.isUsable) {
          this.isUsable = false;
          this.#log.warn("cannot speak netlink with the kernel; nft does it for each change", {
            why: describeError(error),
          });
        }
        throw error;
      }
    });
    this.#queue = done.catch(() => undefined); // who asked hears of it
    return done;
  }

  #helper(): Helper {
    if (this.#child?.isRunning === true) return this.#child;
    if (this.#path === undefined) throw new Error("agent/network/nfnetlink/socket.pl is missing");
    this.#child = new Helper(this.#path, this.#answerMs);
    return this.#child;
  }
}

/** Of what a refusal says. */
const saidMax = 3;

class Helper {
  isRunning = true;
  hasAnswered = false;
  readonly #child: ChildProcess;
  readonly #answerMs: number;
  #answer: Uint8Array = new Uint8Array(0);
  #said = "";
  #waiting: Waiting | undefined;

  constructor(path: string, answerMs: number) {
    this.#answerMs = answerMs;
    const child = spawn("perl", [path], { stdio: ["pipe", "pipe", "pipe"] });
    this.#child = child;
    child.stdout.on("data", (data: Uint8Array) => this.#take(data));
    child.stderr.on("data", (data: Uint8Array) => {
      this.#said = `${this.#said}${Buffer.from(data).toString()}`.slice(0, 1000);
    });
    child.stdin.on("error", () => undefined); // it ended: its exit tells the story
    child.once("error", (error) => this.#ended(error.message));
    child.once("close", () => this.#ended(this.#said.trim() || "it ended"));
    this.#hold(false);
  }

  ask(bytes: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.#hold(true);
      const tooLate = setTimeout(() => {
        this.#child.kill("SIGKILL");
        this.#fail(`no answer in ${this.#answerMs} ms`);
      }, this.#answerMs);
      this.#waiting = { resolve, reject, tooLate };
      const head = new Uint8Array(4);
      new DataView(head.buffer).setUint32(0, bytes.length);
      this.#child.stdin?.write(head);
      this.#child.stdin?.write(bytes);
    });
  }

  end(): void {
    this.isRunning = false;
    this.#child.stdin?.end();
  }

  #take(data: Uint8Array): void {
    this.#answer = Buffer.concat([this.#answer, data]);
    if (this.#answer.length < 8) return;
    const view = new DataView(this.#answer.buffer, this.#answer.byteOffset);
    const length = view.getUint32(0);
    if (length > answerMax) this.#fail("an answer is too long");
    else if (this.#answer.length >= 4 + length) this.#takeWhole(view, length);
  }

  #takeWhole(view: DataView, length: number): void {
    this.hasAnswered = true;
    const errno = view.getUint32(4);
    const answer = this.#answer.subarray(8, 4 + length);
    this.#answer = this.#answer.subarray(4 + length);
    if (errno === 0) this.#settle((one) => one.resolve(answer));
    else this.#settle((one) => one.reject(new Error(`cannot send to the kernel: ${errorCode(errno)}`)));
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
