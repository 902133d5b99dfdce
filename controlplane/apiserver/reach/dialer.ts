import type { RequestOptions } from "node:https";
import { connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type ConnectionOptions, connect as tlsConnect } from "node:tls";
import { dialText } from "../../../base/dial-text.ts";
import type { Clock } from "../../../base/os/clock.ts";
import type { Random } from "../../../base/os/random.ts";
import type { LookupDeps } from "../admission/stored-lookup.ts";
import { badRequest } from "../api-error.ts";
import type { ClusterFacts } from "../registry/kind.ts";
import { isAllowedAddress } from "./allowed-address.ts";
import { nodeAddress } from "./node-address.ts";
import type { NodeLink } from "./node-link.ts";
import type { Place } from "./place.ts";
import { type ServicePort, servicePlace } from "./service-place.ts";
import { tunnelThrough } from "./tunnel.ts";

export interface DialerDeps extends LookupDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly nodes: NodeLink;
  readonly facts: ClusterFacts;
}

/** How this API server reaches what runs in the cluster. */
export interface Dialer {
  /** Bytes to and from a ready endpoint of a service. Rejects with an ApiError where there is none, and with Go's words where
   *  it cannot be reached. */
  service(ref: ServicePort, signal?: AbortSignal): Promise<Duplex>;
  /** Bytes to and from a place. Rejects with 400 `address not allowed` for one that only this server could reach. */
  place(place: Place, signal?: AbortSignal): Promise<Duplex>;
}

/** How long a connection may take to be made (Go's transport: as long). */
export const dialTimeoutMs = 30_000;

/** Connections to pods are made by the agents of their nodes, which need not be reachable by pods' addresses from here. */
export function clusterDialer(deps: DialerDeps): Dialer {
  const place = async (to: Place, signal?: AbortSignal): Promise<Duplex> => {
    if (to.node === undefined) return direct(to, deps, signal);
    if (!isAllowedAddress(to.host, deps.facts)) throw notAllowed();
    const agent = await nodeAddress(deps, to.node);
    return limited(deps.clock, signal, to, (limit) =>
      tunnelThrough(agent, to, { link: deps.nodes, signal: limit }),
    );
  };
  return { place, service: async (ref, signal) => place(await servicePlace(deps, ref), signal) };
}

const notAllowed = () => badRequest("address not allowed");

/** Names are those of ExternalName services: checked as what they turn out to be. */
function direct(to: Place, deps: DialerDeps, signal?: AbortSignal): Promise<Duplex> {
  return limited(
    deps.clock,
    signal,
    to,
    (limit) =>
      new Promise<Socket>((resolve, reject) => {
        const socket = connect({ host: to.host, port: to.port, allowHalfOpen: true, signal: limit });
        // What breaks later is its user's to hear.
        socket.on("error", (error) => reject(new Error(dialText(error, to), { cause: error })));
        socket.once("connect", () => {
          if (isAllowedAddress(socket.remoteAddress ?? "", deps.facts)) return resolve(socket);
          socket.destroy();
          reject(notAllowed());
        });
      }),
  );
}

async function limited<T>(
  clock: Clock,
  signal: AbortSignal | undefined,
  to: Place,
  dial: (limit: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = new AbortController();
  const late = new Error(dialText(Object.assign(new Error("too late"), { code: "ETIMEDOUT" }), to));
  const cancel = clock.after(dialTimeoutMs, () => limit.abort(late));
  const onAbort = () => limit.abort(signal?.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  if (signal?.aborted) onAbort();
  try {
    return await dial(limit.signal);
  } catch (error) {
    throw limit.signal.aborted ? limit.signal.reason : error;
  } finally {
    cancel();
    signal?.removeEventListener("abort", onAbort);
  }
}

/** For `https.request({ createConnection })`, and for an Agent of one's own: TLS connections to a service. `tls` names the
 *  server (`NAME.NAMESPACE.svc`) and who vouches for it. */
export function serviceConnections(
  dialer: Dialer,
  ref: ServicePort,
  tls: ConnectionOptions,
): NonNullable<RequestOptions["createConnection"]> {
  return (_options, oncreate) => {
    const done = oncreate as (error: Error | null, stream?: Duplex) => void;
    dialer.service(ref).then((raw) => {
      const secured = tlsConnect({ ...tls, socket: raw });
      secured.once("close", () => raw.destroy());
      secured.once("error", done);
      secured.once("secureConnect", () => done(null, secured));
    }, done);
    return undefined;
  };
}
