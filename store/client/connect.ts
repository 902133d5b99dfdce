import { checkOptions, shown } from "../../base/options.ts";
import { type Clock, systemClock } from "../../base/os/clock.ts";
import { Prng, systemRandom } from "../../base/os/random.ts";
import { methods } from "../../proto/etcd-methods.ts";
import { endpointsOf } from "./connect-options.ts";
import { type Endpoint, EndpointRing, parseEndpoint } from "./endpoints.ts";
import type { ClientTls } from "./grpc/dial.ts";
import { GrpcTransport } from "./grpc/grpc-transport.ts";
import type { CallOptions, Keyspace } from "./keyspace/api.ts";
import { callOptions } from "./keyspace/call-options.ts";
import { type Codec, text } from "./keyspace/codec.ts";
import { OpenKeyspace } from "./keyspace/keyspace.ts";
import { type Key, KeyFolder } from "./keyspace/places.ts";
import { type Login, LoginTransport } from "./login-transport.ts";
import { StoreClient } from "./store-client.ts";
import { type Users, usersOf } from "./users.ts";

export interface ConnectOptions<V = string> {
  /** Members' addresses: `http://host:port`, `https://host:port`, `host:port` (with TLS if `tls` is given), `unix:///path`. All is
   *  asked of one; when that fails, of the next. */
  readonly endpoints: string | readonly string[];
  /** Whom to log in as, where the cluster wants that. */
  readonly user?: Login | undefined;
  /** PEM texts; without `ca` the system's authorities are trusted. With `certificate` and `key` the client shows who it is. */
  readonly tls?: ClientTls | undefined;
  /** How values are written: `text` by default, `bytes`, `json()`, or one of your own. */
  readonly codec?: Codec<V> | undefined;
  /** All keys begin with this, and are shown without it. */
  readonly namespace?: Key | undefined;
  /** For calls that name none. By default 10,000. */
  readonly timeoutMs?: number | undefined;
  /** By default the system's. */
  readonly clock?: Clock | undefined;
  /** The same seed waits as long between two attempts. By default the system's randomness. */
  readonly seed?: number | undefined;
}

/** A member of the cluster. */
export interface Member {
  readonly id: bigint;
  /** Empty before its first start. */
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
  /** It has no vote yet. */
  readonly isLearner: boolean;
}

/** What a member says of itself. */
export interface MemberStatus {
  readonly version: string;
  /** Of the member that leads, as this one knows; 0n: none. */
  readonly leader: bigint;
  readonly id: bigint;
  readonly revision: number;
  readonly raftTerm: number;
  /** Bytes of its database. */
  readonly sizeBytes: number;
  /** What is wrong with it: a database that is full, for one. */
  readonly errors: readonly string[];
}

/** A cluster of etcd, or of Pintle's own store, and its keys. */
export interface EtcdClient<V> extends Keyspace<V>, AsyncDisposable {
  readonly endpoints: readonly string[];
  members(options?: CallOptions): Promise<readonly Member[]>;
  /** @param endpoint Whom to ask: one of `endpoints`, or any other address. */
  status(endpoint: string, options?: CallOptions): Promise<MemberStatus>;
  /** Who may log in, and what they may do. */
  readonly users: Users;
  /** Ends watches and connections. Leases are renewed no more; who wants them gone at once revokes them before. Idempotent. */
  close(): Promise<void>;
}

/** A client of any etcd v3 cluster. Connects when first used.
 *  @param to Addresses, or options that say more.
 *  @throws UsageError for options that do not fit, one line each. */
export function connect(
  to: string | readonly string[] | (ConnectOptions<string> & { readonly codec?: undefined }),
): EtcdClient<string>;
export function connect<V>(to: ConnectOptions<V> & { readonly codec: Codec<V> }): EtcdClient<V>;
export function connect<V>(
  to:
    | string
    | readonly string[]
    | (Omit<ConnectOptions<V>, "codec"> & { readonly codec?: Codec<V> | undefined }),
): EtcdClient<V> {
  const options = isOptions(to) ? to : { endpoints: to };
  const endpoints = endpointsOf(options);
  const { user, tls, codec = text as unknown as Codec<V>, namespace = "", seed } = options;
  const { clock = systemClock, timeoutMs = 10_000 } = options;
  const random = seed === undefined ? systemRandom : new Prng(seed);
  const ring = new EndpointRing(endpoints);
  const wire = new GrpcTransport(tls, { clock, random });
  const transport = user === undefined ? wire : new LoginTransport(wire, user, clock);
  const client = new StoreClient({ ring, transport, clock, random, timeoutMs });
  const close = async () => client.close();
  const folder = new KeyFolder(namespace);
  return Object.assign(new OpenKeyspace({ client, clock, random }, folder, codec), {
    endpoints: endpoints.map(({ url }) => url),
    members: async (call: CallOptions = {}) => {
      checkOptions(call, callOptions.call);
      return (await client.members(call)).map(({ id, name, peerUrls, clientUrls, isLearner }) => ({
        id,
        name,
        peerUrls,
        clientUrls,
        isLearner,
      }));
    },
    status: async (endpoint: string, call: CallOptions = {}) => {
      checkOptions(call, callOptions.call);
      if (typeof endpoint !== "string")
        throw new TypeError(`endpoint: ${shown(endpoint)} must be an address`);
      return statusOf(client, parseEndpoint(endpoint, tls !== undefined), call);
    },
    users: usersOf(client, folder),
    close,
    [Symbol.asyncDispose]: close,
  });
}

async function statusOf(
  client: StoreClient,
  endpoint: Endpoint,
  options: CallOptions,
): Promise<MemberStatus> {
  const { header, version, leader, dbSize, errors } = await client.callAt(
    endpoint,
    methods.status,
    {},
    options,
  );
  return {
    version,
    leader,
    id: header?.memberId ?? 0n,
    revision: header?.revision ?? 0,
    raftTerm: header?.raftTerm ?? 0,
    sizeBytes: dbSize,
    errors,
  };
}

function isOptions<V>(
  to:
    | string
    | readonly string[]
    | (Omit<ConnectOptions<V>, "codec"> & { readonly codec?: Codec<V> | undefined }),
): to is Omit<ConnectOptions<V>, "codec"> & { readonly codec?: Codec<V> | undefined } {
  return typeof to !== "string" && !Array.isArray(to);
}
