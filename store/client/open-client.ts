import type { Clock } from "../../base/os/clock.ts";
import type { Random } from "../../base/os/random.ts";
import { EndpointRing, parseEndpoint } from "./endpoints.ts";
import type { ClientTls } from "./grpc/dial.ts";
import { GrpcTransport } from "./grpc/grpc-transport.ts";
import { StoreClient } from "./store-client.ts";
import type { ClientTransport } from "./transport.ts";

export interface StoreClientConfig {
  /** `http://host:port`, `https://host:port`, or `host:port` (secure when `tls` is given). */
  readonly endpoints: readonly string[];
  readonly tls?: ClientTls | undefined;
  /** For calls that name none; 10 s by default. */
  readonly timeoutMs?: number | undefined;
}

/** A client of any etcd v3 server. Connects when first used; throws on malformed endpoints only. */
export function openStoreClient(
  config: StoreClientConfig,
  parts: { readonly clock: Clock; readonly random: Random; readonly transport?: ClientTransport },
): StoreClient {
  const secure = config.tls !== undefined;
  return new StoreClient({
    ring: new EndpointRing(config.endpoints.map((endpoint) => parseEndpoint(endpoint, secure))),
    transport: parts.transport ?? new GrpcTransport(config.tls, parts),
    clock: parts.clock,
    random: parts.random,
    timeoutMs: config.timeoutMs ?? 10_000,
  });
}
