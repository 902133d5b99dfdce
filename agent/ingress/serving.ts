import type { Clock } from "../../base/os/clock.ts";
import type { Log } from "../../base/os/log.ts";
import type { Random } from "../../base/os/random.ts";
import type { CertificatePem } from "./certificates.ts";
import { type Change, DataPlane } from "./data-plane.ts";
import type { Front } from "./front.ts";
import { type FrontServer, openFront } from "./front-server.ts";
import { IngressProxy } from "./ingress-proxy.ts";

/** Whoever answers requests. What it knows it is told; where it does so is up to the one that made it. */
export interface Serving {
  apply(change: Change): void;
  /** Opens what is not open yet. */
  open(ports: FrontPorts): Promise<OpenedPorts>;
  /** Answers nothing any more; what was begun is given a moment. */
  shut(): Promise<void>;
  stop(): Promise<void>;
}

export interface FrontPorts {
  readonly address: string;
  readonly http: number;
  readonly https: number;
}

/** The port that is listened on, or why none is. */
export interface OpenedPorts {
  readonly http: number | string;
  readonly https: number | string;
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
  #http: FrontServer | undefined;
  #https: FrontServer | undefined;
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

  async open({ address, http, https }: FrontPorts): Promise<OpenedPorts> {
    const { clock, log } = this.#parts;
    const common = { proxy: this.#proxy, clock, log };
    const front = (isTls: boolean) => (): Front => ({
      isTls,
      port: (isTls ? this.#https : this.#http)?.port ?? (isTls ? https : http),
      tlsPort: this.#https?.port,
    });
    const why = (error: unknown) => (error as NodeJS.ErrnoException).code ?? String(error);
    let noHttps = "";
    let noHttp = "";
    // First, so that plain requests are led there from the first one on.
    this.#https ??= await openFront(
      { address, port: https },
      { ...common, certificates: this.#plane.certificates, front: front(true) },
    ).catch((error: unknown) => {
      noHttps = why(error);
      return undefined;
    });
    this.#http ??= await openFront({ address, port: http }, { ...common, front: front(false) }).catch(
      (error: unknown) => {
        noHttp = why(error);
        return undefined;
      },
    );
    return { http: this.#http?.port ?? noHttp, https: this.#https?.port ?? noHttps };
  }

  async shut(): Promise<void> {
    const open = [this.#http, this.#https];
    this.#http = undefined;
    this.#https = undefined;
    await Promise.all(open.map((one) => one?.close()));
  }

  async stop(): Promise<void> {
    await this.shut();
    this.#proxy.close();
  }

  #failed(route: string, endpoint: string | undefined, why: string): void {
    const key = `${route} ${endpoint} ${why}`;
    const nowMs = this.#parts.clock.monotonicMs();
    if (nowMs - (this.#saidMs.get(key) ?? Number.NEGATIVE_INFINITY) < sayAgainMs) return;
    if (this.#saidMs.size > 1_000) this.#saidMs.clear();
    this.#saidMs.set(key, nowMs);
    this.#parts.log.warn("a request of an Ingress was not answered by its backend", { route, endpoint, why });
  }
}
