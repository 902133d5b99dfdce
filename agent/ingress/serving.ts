import type { Clock } from "../../base/os/clock.ts";
import type { Log } from "../../base/os/log.ts";
import type { Random } from "../../base/os/random.ts";
import type { CertificatePem } from "../../client/rules/tls-secret.ts";
import { type Change, DataPlane } from "./data-plane.ts";
import { ingressEntry } from "./entry.ts";
import type { Front } from "./front.ts";
import { type FrontServer, openFront } from "./front-server.ts";
import { IngressProxy } from "./ingress-proxy.ts";

/** Whoever answers requests. What it knows it is told; where it does so is up to the one that made it. */
export interface Serving {
  apply(change: Change): void;
  /** Opens what is not open yet. */
  open(ports: FrontPorts): Promise<OpenedPorts>;
  /** Answers nothing any more that comes in there (absent: for Ingresses); what was begun is given a moment. */
  shut(entry?: string): Promise<void>;
  stop(): Promise<void>;
}

/** Ports of an address; 0: any. */
export interface FrontPorts {
  /** Absent: that of Ingresses. */
  readonly entry?: string;
  readonly address: string;
  /** More addresses, at which the ports are the same. */
  readonly alsoAt?: readonly string[];
  /** Absent: there is to be none. */
  readonly http?: number;
  readonly https?: number;
  /** The port that clients name, where another is listened on. */
  readonly reachedBy?: number;
}

/** The port that is listened on, or why none is; undefined: none was asked for. */
export interface OpenedPorts {
  readonly http: number | string | undefined;
  readonly https: number | string | undefined;
}

interface OpenFront {
  http: FrontServer | undefined;
  https: FrontServer | undefined;
}

export interface LocalServingParts {
  readonly fallback: CertificatePem;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Failures that say the same are told once in so long. */
const sayAgainMs = 10_000;

/** Serves in this thread. */
export class LocalServing implements Serving {
  readonly #parts: LocalServingParts;
  readonly #plane: DataPlane;
  readonly #proxy: IngressProxy;
  readonly #fronts = new Map<string, OpenFront>();
  readonly #saidMs = new Map<string, number>();

  constructor(parts: LocalServingParts) {
    this.#parts = parts;
    const { clock, random, fallback } = parts;
    this.#plane = new DataPlane(fallback, random);
    this.#proxy = new IngressProxy({
      plane: this.#plane,
      clock,
      random,
      onFailure: (route, endpoint, why) =>
        this.#failed(route, endpoint && `${endpoint.address}:${endpoint.port}`, why),
    });
  }

  apply(change: Change): void {
    this.#plane.apply(change);
  }

  async open({
    address,
    alsoAt = [],
    http,
    https,
    entry = ingressEntry,
    reachedBy,
  }: FrontPorts): Promise<OpenedPorts> {
    const { clock, log } = this.#parts;
    const common = { proxy: this.#proxy, clock, log };
    const opened: OpenFront = this.#fronts.get(entry) ?? { http: undefined, https: undefined };
    this.#fronts.set(entry, opened);
    const front = (isTls: boolean) => (): Front => ({
      entry,
      isTls,
      port: reachedBy ?? (isTls ? opened.https : opened.http)?.port ?? 0,
      tlsPort: opened.https?.port,
    });
    const why = (error: unknown) => (error as NodeJS.ErrnoException).code ?? String(error);
    let noHttps: string | undefined;
    let noHttp: string | undefined;
    // First, so that plain requests are led there from the first one on.
    if (https !== undefined)
      opened.https ??= await openFront(
        { address, alsoAt, port: https },
        { ...common, certificates: this.#plane.entry(entry).certificates, front: front(true) },
      ).catch((error: unknown) => {
        noHttps = why(error);
        return undefined;
      });
    if (http !== undefined)
      opened.http ??= await openFront(
        { address, alsoAt, port: http },
        // Clients of Ingresses have never been spoken to so.
        { ...common, front: front(false), takesPlainHttp2: entry !== ingressEntry },
      ).catch((error: unknown) => {
        noHttp = why(error);
        return undefined;
      });
    return { http: opened.http?.port ?? noHttp, https: opened.https?.port ?? noHttps };
  }

  async shut(entry = ingressEntry): Promise<void> {
    const open = this.#fronts.get(entry);
    this.#fronts.delete(entry);
    await Promise.all([open?.http?.close(), open?.https?.close()]);
    if (!this.#fronts.has(entry)) this.#plane.left(entry);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#fronts.keys()].map((entry) => this.shut(entry)));
    this.#proxy.close();
  }

  #failed(route: string, endpoint: string | undefined, why: string): void {
    const key = `${route} ${endpoint} ${why}`;
    const nowMs = this.#parts.clock.monotonicMs();
    if (nowMs - (this.#saidMs.get(key) ?? Number.NEGATIVE_INFINITY) < sayAgainMs) return;
    if (this.#saidMs.size > 1_000) this.#saidMs.clear();
    this.#saidMs.set(key, nowMs);
    this.#parts.log.warn("a request was not answered by its backend", { route, endpoint, why });
  }
}
