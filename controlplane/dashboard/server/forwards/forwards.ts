import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Clock } from "../../../../base/os/clock.ts";
import { type Random, randomBytes } from "../../../../base/os/random.ts";
import { ApiError } from "../../../../client/api-error.ts";
import { RestClient } from "../../../../client/rest.ts";
import { json, statusText } from "../answers.ts";
import { readJson } from "../read-json.ts";
import { configNow, type Session } from "../sessions.ts";
import { enterPath, ForwardListener } from "./listener.ts";
import { type ForwardTarget, findPod, type PodPort, readTarget } from "./target.ts";

export const forwardLimits = {
  ofSessionMost: 8,
  most: 32,
  /** How long a link waits for its browser. */
  codeMs: 60_000,
  codesMost: 8,
  /** A forward that nobody uses ends, and so does any in time. */
  idleMs: 3_600_000,
  lifeMs: 12 * 3_600_000,
  sweepMs: 30_000,
} as const;

interface Parts {
  readonly clock: Clock;
  readonly random: Random;
  /** Whether somebody's session goes on. */
  readonly isOpen: (session: Session) => boolean;
}

/** The open ways of sessions to ports of pods. */
export class Forwards {
  readonly #parts: Parts;
  readonly #forwards = new Map<string, Forward>();
  #stopSweeping: () => void = () => undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Answers what lies under `/forwards`: GET tells of the session's, POST opens one, `/ID` with POST makes another link to it, and
   *  with DELETE closes it. */
  async answer(
    request: IncomingMessage,
    response: ServerResponse,
    { path, session }: { readonly path: string; readonly session: Session | undefined },
  ): Promise<void> {
    if (session === undefined) return statusText(response, 401, "no session: come in first");
    const own = [...this.#forwards.values()].filter((one) => one.session === session);
    const id = /^\/forwards\/([\w-]+)$/.exec(path)?.[1];
    const { method } = request;
    if (id === undefined && path !== "/forwards") return statusText(response, 404, `nothing at ${path}`);
    if (id === undefined && method === "GET")
      return json(response, 200, { isLocal: isLocal(request), forwards: own.map((one) => one.shown()) });
    if (id === undefined && method === "POST") return this.#open(request, response, session, own.length);
    const forward = own.find((one) => one.id === id);
    if (forward === undefined) return statusText(response, 404, "this forward is closed");
    if (method === "POST") return json(response, 200, { ...forward.shown(), url: forward.link() });
    if (method !== "DELETE") return statusText(response, 405, `${method} is nothing that a forward knows`);
    this.#end(forward);
    return json(response, 200, {});
  }

  /** Ends a session's. */
  endOf(session: Session): void {
    for (const forward of this.#forwards.values()) if (forward.session === session) this.#end(forward);
  }

  close(): void {
    for (const forward of this.#forwards.values()) this.#end(forward);
  }

  async #open(
    request: IncomingMessage,
    response: ServerResponse,
    session: Session,
    count: number,
  ): Promise<void> {
    if (!isLocal(request))
      return statusText(
        response,
        422,
        "this dashboard is served to other machines, whose browsers do not reach a port of its own machine: use kubectl port-forward where you are",
      );
    if (count >= forwardLimits.ofSessionMost || this.#forwards.size >= forwardLimits.most)
      return statusText(response, 429, `${count} forwards are open: close one first`);
    let target: ForwardTarget;
    try {
      target = readTarget(await readJson(request));
    } catch (error) {
      return statusText(response, 400, error instanceof Error ? error.message : String(error));
    }
    try {
      const forward = await Forward.open(target, session, this.#parts);
      this.#forwards.set(forward.id, forward);
      if (this.#forwards.size === 1) this.#sweepLater();
      json(response, 200, { ...forward.shown(), url: forward.link() });
    } catch (error) {
      const code = error instanceof ApiError ? error.code : 502;
      statusText(response, code, error instanceof Error ? error.message : String(error));
    }
  }

  #end(forward: Forward): void {
    this.#forwards.delete(forward.id);
    forward.close();
    if (this.#forwards.size === 0) this.#stopSweeping();
  }

  #sweepLater(): void {
    this.#stopSweeping = this.#parts.clock.after(forwardLimits.sweepMs, () => {
      for (const forward of this.#forwards.values())
        if (forward.isOver || !this.#parts.isOpen(forward.session)) this.#end(forward);
      if (this.#forwards.size > 0) this.#sweepLater();
    });
  }
}

/** Whether the browser came by a loopback address, so that its own lead here, too. */
const isLocal = ({ headers }: IncomingMessage): boolean =>
  /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i.test(headers.host ?? "");

class Forward {
  readonly id: string;
  readonly session: Session;
  readonly #target: ForwardTarget;
  readonly #parts: Parts;
  readonly #bornMs: number;
  readonly #cookie: string;
  /** Hashes of codes, and when each was made. */
  readonly #codes = new Map<string, number>();
  #usedMs: number;
  #pod: PodPort | undefined;
  #listener: ForwardListener | undefined;

  private constructor(target: ForwardTarget, session: Session, parts: Parts) {
    this.#target = target;
    this.session = session;
    this.#parts = parts;
    this.#bornMs = this.#usedMs = parts.clock.monotonicMs();
    this.#cookie = this.#secret();
    this.id = Buffer.from(randomBytes(parts.random, 10)).toString("hex");
  }

  /** Rejects where the person may not, or there is no pod: one connection is tried. */
  static async open(target: ForwardTarget, session: Session, parts: Parts): Promise<Forward> {
    const forward = new Forward(target, session, parts);
    (await forward.#connect()).on("error", () => undefined).destroy();
    forward.#listener = await ForwardListener.open(
      { label: `f-${forward.id}`, scheme: target.scheme },
      {
        redeem: (code) => forward.#redeem(code),
        isCookie: (value) => forward.#isCookie(value),
        connect: () => forward.#connect(),
        used: () => {
          forward.#usedMs = parts.clock.monotonicMs();
        },
      },
    );
    return forward;
  }

  shown(): object {
    return { id: this.id, ...this.#target, origin: this.#listener?.origin };
  }

  /** An address that lets one browser in, once and soon. */
  link(): string {
    const code = this.#secret();
    for (const old of this.#codes.keys())
      if (this.#codes.size >= forwardLimits.codesMost) this.#codes.delete(old);
    this.#codes.set(hashText(code), this.#parts.clock.monotonicMs());
    return `${this.#listener?.origin}${enterPath}?code=${code}`;
  }

  get isOver(): boolean {
    const nowMs = this.#parts.clock.monotonicMs();
    return nowMs - this.#usedMs > forwardLimits.idleMs || nowMs - this.#bornMs > forwardLimits.lifeMs;
  }

  close(): void {
    this.#listener?.close();
  }

  #redeem(code: string): string | undefined {
    const hash = hashText(code);
    const madeMs = this.#codes.get(hash);
    this.#codes.delete(hash);
    const isGood = madeMs !== undefined && this.#parts.clock.monotonicMs() - madeMs <= forwardLimits.codeMs;
    return isGood && this.#isLive() ? this.#cookie : undefined;
  }

  #isCookie(value: string): boolean {
    return this.#isLive() && timingSafeEqual(hashOf(value), hashOf(this.#cookie));
  }

  #isLive(): boolean {
    return !this.isOver && this.#parts.isOpen(this.session);
  }

  /** As who asks now. A pod of a service that is gone gives way to another. */
  async #connect(): Promise<Duplex> {
    const client = new RestClient(await configNow(this.session), { userAgent: "pintle-dashboard" });
    try {
      const stream = await this.#toPod(client);
      stream.once("close", () => client.close());
      return stream;
    } catch (error) {
      client.close();
      throw error;
    }
  }

  async #toPod(client: RestClient): Promise<Duplex> {
    const to = ({ namespace, name, port }: PodPort) => client.portForward({ namespace, name }, port);
    if (this.#pod !== undefined) {
      try {
        return await to(this.#pod);
      } catch (error) {
        this.#pod = undefined;
        if (this.#target.kind === "pod") throw error;
      }
    }
    const pod = await findPod(this.#target, client);
    const stream = await to(pod);
    this.#pod = pod;
    return stream;
  }

  #secret(): string {
    return Buffer.from(randomBytes(this.#parts.random, 32)).toString("base64url");
  }
}

const hashOf = (secret: string): Buffer => createHash("sha256").update(secret).digest();
const hashText = (secret: string): string => hashOf(secret).toString("base64");
