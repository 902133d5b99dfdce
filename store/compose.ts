import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { deferred } from "../base/deferred.ts";
import { Http2Server } from "../base/http2/http2-server.ts";
import { relayToHttp1 } from "../base/http2/relay-to-http1.ts";
import { sortConnection } from "../base/http2/sort-connection.ts";
import type { Route } from "../base/http2/stream.ts";
import type { Os, Running } from "../base/os/os.ts";
import { TaskScope } from "../base/os/task-scope.ts";
import { V8Profiles } from "../base/os/v8-profiles.ts";
import { withTracing } from "../base/tracing/with-tracing.ts";
import type { BackendHome } from "./backend/home.ts";
import { initialCheck } from "./corruption/initial-check.ts";
import { createMember, type MemberConfig, type StoreMember } from "./create-member.ts";
import { discoverMembers, type Newcomer } from "./discovery/discover.ts";
import type { Discovery } from "./discovery/flags.ts";
import { type StoreConfig, serverVersion } from "./flags.ts";
import { loneCluster } from "./force-new-cluster.ts";
import { refuseForeignDatabase } from "./foreign-database.ts";
import { countedHandlers } from "./gateway/counted-calls.ts";
import { debugVarsRoute } from "./gateway/debug-vars.ts";
import { observedRoutes, versionRoute } from "./gateway/endpoints.ts";
import { type ProfileSources, profileRoutes } from "./gateway/profiles.ts";
import { gateway } from "./gateway/routes.ts";
import { handOverLeadership } from "./hand-over.ts";
import { identityMetrics } from "./identity-metrics.ts";
import type { ListenUrl } from "./listen-url.ts";
import { lockDataDir, lockWalDir } from "./lock-data-dir.ts";
import { logKept } from "./log-kept.ts";
import { beginning, checkIdentity } from "./membership/beginning.ts";
import { newCluster } from "./membership/initial-cluster.ts";
import { openLog, ownMember, walFolder } from "./open-log.ts";
import { requestTimeoutMs } from "./propose/proposer.ts";
import { publish } from "./propose/publish.ts";
import { runtimeMetrics } from "./runtime-metrics.ts";
import { startSettings } from "./start-settings.ts";
import { startWithoutLog } from "./start-without-log.ts";
import { stillMetrics } from "./still-metrics.ts";
import { BoundServer } from "./transport/bound-server.ts";
import { GrpcService } from "./transport/grpc/grpc-service.ts";
import { timeoutHeader } from "./transport/grpc/timeout.ts";
import { http1Server } from "./transport/http1-server.ts";
import { http2Limits } from "./transport/http2-limits.ts";
import { askMembers } from "./transport/peer/ask-members.ts";
import { askOnce } from "./transport/peer/ask-once.ts";
import { frame, frameKinds } from "./transport/peer/frame.ts";
import { badCertificateText } from "./transport/peer/hello.ts";
import { PeerNetwork } from "./transport/peer/peer-network.ts";
import { askVersions } from "./transport/peer/versions.ts";
import { PortTls } from "./transport/tls/port-tls.ts";
import { makeSelfSigned } from "./transport/tls/self-signed.ts";
import type { TlsSettings } from "./transport/tls/settings.ts";
import { Wal } from "./wal/wal.ts";

export interface RunningStore extends Running {
  /** In the order of --listen-client-urls. */
  readonly clientPorts: readonly number[];
  /** Where clients reach it: what it listens on, and what it tells of. */
  readonly clientUrls: readonly string[];
  readonly member: StoreMember;
  /** Resolves when clients are served; before, their connections wait or, where there are other members, are reset. */
  readonly ready: Promise<void>;
}

type Undo = (() => Promise<void> | void)[];
const badEnd = "cannot stop in good order after a failure";

/** Where a member lives that has no files. */
export interface InMemory {
  readonly home: BackendHome;
  readonly tuning: NonNullable<MemberConfig["tuning"]>;
}

export interface StartOptions {
  /** Ends the waiting for others to come. */
  readonly signal?: AbortSignal | undefined;
  /** In place of the data directory, and of a log: for the member of a cluster of one whose data ends with the process. */
  readonly memory?: InMemory | undefined;
  /** Between two slices of work that nobody waits for, in place of a while by the clock: for one that may stand still. */
  readonly pause?: (() => Promise<void>) | undefined;
}

/** Builds a member of the store from its parts and joins them. Order matters: addresses first, since nothing must be written
 *  when they cannot be had; then the database, whose lock keeps others out. Rejects with one line on what is wrong, and with the
 *  signal's reason where a member that waits for others to come is not to. */
export async function startStore(
  config: StoreConfig,
  os: Os,
  options: StartOptions = {},
): Promise<RunningStore> {
  const { serviceName = "", instanceId } = config.tracing ?? {};
  return withTracing(config.tracing, { name: serviceName, instance: instanceId }, os, (own) =>
    startOrUndo(config, own, options),
  );
}

async function startOrUndo(config: StoreConfig, os: Os, options: StartOptions): Promise<RunningStore> {
  const undo: Undo = [];
  try {
    return await start(config, os, undo, options);
  } catch (error) {
    await undoAll(undo).catch((later: unknown) => os.log.error(badEnd, { error: later }));
    throw error;
  }
}

/** The TLS of both kinds of ports, where they have any. */
interface PortsTls {
  readonly client: PortTls | undefined;
  readonly peer: PortTls | undefined;
}

interface Servers {
  readonly client: readonly BoundServer[];
  readonly clientHttp: readonly BoundServer[];
  readonly peer: readonly BoundServer[];
  readonly metrics: readonly BoundServer[];
}

async function start(
  config: StoreConfig,
  os: Os,
  undo: Undo,
  { signal = new AbortController().signal, memory, pause }: StartOptions,
): Promise<RunningStore> {
  os.log.info("starting an etcd server", startSettings(config));
  const tlsOf = (settings: TlsSettings | undefined) => settings && new PortTls(settings, os.log.child("tls"));
  const tls: PortsTls = { client: tlsOf(config.clientTls), peer: tlsOf(config.peerTls) };
  const servers = await bindAll(config, tls, os, undo);
  const { clock, random, disk, log, metrics } = os;
  if (memory === undefined) {
    await refuseForeignDatabase(config.dataDir, disk);
    undo.push(await lockDataDir(config.dataDir, disk));
    if (config.walDir !== undefined) undo.push(await lockWalDir(config.walDir, disk));
  }
  await makeSelfSigned([config.clientTls, config.peerTls], log);
  let network: PeerNetwork | undefined;
  let hadLog = false;
  const member = await createMember(
    { ...config, version: serverVersion, tuning: { ...logKept(config), ...memory?.tuning } },
    {
      clock,
      random,
      disk,
      log,
      metrics,
      tracer: os.tracer,
      ...(memory && { home: memory.home }),
      pause,
      openLog: async (appliedIndex) => {
        if (memory !== undefined) {
          const cluster = newCluster(config.initialCluster, config.initialClusterToken);
          return startWithoutLog(cluster, ownMember(cluster, config.name));
        }
        const ask = {
          members: (url: string) => askMembers(url, serverVersion, { tls: tls.peer, clock }),
          versions: (url: string) => askVersions(url, serverVersion, { tls: tls.peer, clock }),
        };
        const folder = config.walDir ?? walFolder(config.dataDir);
        hadLog = await Wal.exists(disk, folder);
        const discover = (where: Discovery, newcomer: Newcomer) =>
          discoverMembers(where, newcomer, os, signal);
        const begin = () => beginning(config, ask, discover);
        const { wal, ...opened } = await openLog({ folder, appliedIndex }, begin, os);
        undo.push(() => wal.close());
        checkIdentity(config, opened.identity);
        const { recovered, identity } = opened;
        const self = { id: identity.memberId, peerUrls: config.initialAdvertisePeerUrls };
        const lone =
          config.forceNewCluster && hadLog ? loneCluster(recovered, self, appliedIndex) : undefined;
        if (lone === undefined) return { log: wal, ...opened };
        log.warn("forcing a new cluster of this member alone", { "local-member-id": self.id });
        await wal.append({ ...lone, sync: true });
        return { log: wal, identity, recovered: { ...recovered, ...lone } };
      },
      openPeers: (identity) => {
        network = new PeerNetwork(
          {
            ...identity,
            serverVersion,
            servers: servers.peer,
            tls: tls.peer,
            localAddress: config.localAddress,
          },
          {
            clock,
            random,
            log: log.child("peer"),
            meter: metrics,
            onUnreachable: (id) => member.unreachable(id),
            onRemoved: () => member.removed(),
          },
        );
        undo.push(() => network?.stop());
        return network;
      },
    },
  );
  undo.push(() => member.stop());
  // A new member has nothing to compare.
  if (config.corruptionChecks.initial && hadLog)
    await initialCheck({
      memberId: member.identity.memberId,
      members: member.parts.members.all,
      hashNow: () => member.state.hashHistory(0),
      ask: ({ id: to, peerUrls: [url = ""] }, { kind, revision, withinMs }) => {
        const { memberId: from, clusterId } = member.identity;
        const options = {
          clusterId,
          from,
          to,
          purpose: "messages",
          serverVersion,
          peerUrls: [],
          tls: tls.peer,
          clock,
        } as const;
        return askOnce(url, options, { kind, id: BigInt(revision), withinMs });
      },
      clock,
      requestTimeoutMs: requestTimeoutMs(config.electionMs),
      log: log.child("corruption"),
    });
  network?.open({ ...member.fromPeers });
  const membersCount = hadLog ? member.parts.members.all().length : config.initialCluster.size;
  const hasOthers = membersCount > 1 || (!hadLog && config.discovery !== undefined);
  return serve(config, os, { member, servers, undo, hasOthers });
}

async function bindAll(config: StoreConfig, tls: PortsTls, os: Os, undo: Undo): Promise<Servers> {
  const bind = async (
    flag: string,
    urls: readonly ListenUrl[],
    portTls: PortTls | undefined,
    farewell?: Uint8Array,
  ) => {
    const servers: BoundServer[] = [];
    for (const { tls: secure, ...address } of urls) {
      if (!secure && portTls !== undefined)
        os.log.warn(
          "scheme is http or unix while key and cert files are present; ignoring key and cert files",
          {
            url: address.url,
          },
        );
      const said = { flag, ...(farewell && { farewell }) };
      const server = await BoundServer.bind(
        { ...address, ...said, tls: secure ? portTls : undefined },
        os.log,
      );
      undo.push(() => server.stop());
      servers.push(server);
    }
    return servers;
  };
  const badCertificate = frame(frameKinds.refused, Buffer.from(badCertificateText));
  return {
    client: await bind("listen-client-urls", config.listenClient, tls.client),
    clientHttp: await bind("listen-client-http-urls", config.listenClientHttp, tls.client),
    peer: await bind("listen-peer-urls", config.listenPeer, tls.peer, badCertificate),
    metrics: await bind("listen-metrics-urls", config.listenMetrics, tls.client),
  };
}

/** What an address answers. */
type Served = "all" | "grpc" | "http" | "metrics";

function httpElsewhere(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(404, { "content-type": "text/plain; charset=utf-8" });
  response.end("HTTP is served on --listen-client-http-urls\n");
}

/** What is served is a member's. */
interface ServeParts {
  readonly member: StoreMember;
  readonly servers: Servers;
  readonly undo: Undo;
  /** Whether the cluster has other members, as far as this one knows yet. */
  readonly hasOthers: boolean;
}

type Listen = (urls: readonly ListenUrl[], bound: readonly BoundServer[], served: Served) => void;

/** What clients are answered at addresses. */
function listener(config: StoreConfig, os: Os, { member, undo }: ServeParts): Listen {
  const { log, metrics, clock } = os;
  const { maxRequestBytes } = config;
  const grpc = new GrpcService(
    { maxRequestBytes, tellsTimes: config.metrics === "extensive", warningMs: config.warningUnaryMs },
    { handlers: member.handlers, meter: metrics, log: log.child("grpc"), clock },
  );
  undo.push(() => grpc.stop());
  const counts = { begin: grpc.counted, nowMs: () => clock.monotonicMs() };
  const handlers = countedHandlers(member.handlers, counts);
  const shared = { member: member.parts, handlers, maxRequestBytes };
  const observed = observedRoutes(member.parts, metrics, log.child("http"));
  const forClients = new Map([
    ...observed,
    ["/version", versionRoute(serverVersion, member.parts.members)],
    ["/debug/vars", debugVarsRoute(() => member.driver.raftStatus)],
    ...(config.enablePprof ? profileRoutes(startedProfiles(os, undo)) : []),
  ]);
  const { maxStreams: streamsMost, clientSilence } = config;
  const limits = { ...http2Limits, streamsMost, silence: clientSilence ?? null };
  identityMetrics(metrics, member.parts, config);
  runtimeMetrics(metrics);
  stillMetrics(metrics);
  return (urls, bound, served) => {
    for (const [at, server] of bound.entries()) {
      const isSecure = urls[at]?.tls === true && urls[at]?.alsoPlain !== true;
      const hosts = isSecure ? [] : config.hostWhitelist; // TLS has proved whom the client means
      const access = { origins: config.corsOrigins, hosts };
      const jsonApi = served !== "metrics" && config.enableGateway;
      const routes = served === "metrics" ? observed : forClients;
      const http = gateway({ ...shared, routes, access, jsonApi, log: log.child("http") });
      const http1 = http1Server(served === "grpc" ? httpElsewhere : http);
      // What a request is, not the protocol it came by, says who answers it.
      const relay = relayToHttp1(http1);
      const isGrpcServed = served === "grpc" || served === "all";
      const route: Route = (headers) =>
        isGrpcServed && GrpcService.isGrpc(headers) ? grpc.route(headers) : relay(headers);
      const http2 = new Http2Server({ limits, route, apart: timeoutHeader, clock, log });
      undo.push(() => {
        http2.stop();
        http1.close();
      });
      const protocols = {
        http2: (socket: Duplex) => http2.accept(socket),
        http1: (socket: Socket) => void http1.emit("connection", socket),
        log,
      };
      server.serve((socket) => sortConnection(socket, protocols));
    }
  };
}

function serve(config: StoreConfig, os: Os, parts: ServeParts): RunningStore {
  const { member, servers, undo } = parts;
  const { log, clock } = os;
  const listens = [servers.client, servers.clientHttp, servers.metrics].some(({ length }) => length > 0);
  // A member that only its own process calls has neither calls to count nor anybody who would look.
  const listen: Listen = listens ? listener(config, os, parts) : () => undefined;
  listen(config.listenMetrics, servers.metrics, "metrics");
  const tasks = new TaskScope(log);
  undo.push(() => tasks.stop());
  tasks.run("member", (signal) => orAborted(member.done, signal));
  const self = {
    memberId: member.identity.memberId,
    name: config.name,
    clientUrls: config.advertiseClientUrls,
  };
  const ready = deferred<void>();
  let isServed = false;
  const serveClients = () => {
    if (isServed) return;
    isServed = true;
    ready.resolve();
    const isHttpApart = servers.clientHttp.length > 0;
    listen(config.listenClient, servers.client, isHttpApart ? "grpc" : "all");
    listen(config.listenClientHttp, servers.clientHttp, "http");
    log.info("ready to serve client requests", { address: config.listenClient.map((listen) => listen.url) });
    tellTraffic(config, log);
  };
  // A member that has published itself has applied what its cluster agreed on before: it does not answer from long ago. Until
  // then it sends clients to the other members, where there are any. Without a quorum the time would never come:
  // serializable reads are to be had all the same.
  if (parts.hasOthers) for (const server of [...servers.client, ...servers.clientHttp]) server.refuse();
  tasks.run("publish", async (signal) => {
    const cancel = clock.after(config.waitClusterReadyMs, () => {
      if (signal.aborted || isServed) return;
      log.warn("timed out waiting for the ready notification");
      serveClients();
    });
    try {
      const { proposer, reads } = member.parts;
      await publish(self, { proposer, reads, clock, log, attemptMs: 2 * config.electionMs }, signal);
      serveClients();
    } finally {
      cancel();
    }
  });
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopping ??= inGoodOrder();
    return stopping;
  };
  const named = {
    name: config.name,
    "data-dir": config.dataDir,
    "advertise-peer-urls": config.initialAdvertisePeerUrls,
    "advertise-client-urls": config.advertiseClientUrls,
  };
  const inGoodOrder = async (): Promise<void> => {
    log.info("closing etcd server", named);
    await handOverLeadership(member.parts, log);
    await undoAll(undo);
    log.info("closed etcd server", named);
  };
  const clientPorts = servers.client.map((server) => server.port);
  return {
    clientPorts,
    clientUrls: [
      ...config.listenClient.map(({ url }, at) => url.replace(/:0$/, `:${clientPorts[at]}`)),
      ...config.advertiseClientUrls,
    ],
    member,
    ready: ready.promise,
    stop,
    done: stopOnFailure(tasks.untilStopped(), stop, log),
  };
}

/** How clients are served where, in etcd's words. */
function tellTraffic({ listenClient, listenClientHttp }: StoreConfig, log: Os["log"]): void {
  const isHttpApart = listenClientHttp.length > 0;
  const tell = (urls: readonly ListenUrl[], traffic: string) => {
    for (const { url: address, tls } of urls)
      log.info(
        tls
          ? "serving client traffic securely"
          : "serving client traffic insecurely; this is strongly discouraged!",
        { traffic, address },
      );
  };
  tell(listenClient, isHttpApart ? "grpc" : "grpc+http");
  tell(listenClientHttp, "http");
}

function startedProfiles({ clock, log }: Os, undo: Undo): ProfileSources {
  const profiles = new V8Profiles();
  profiles.start().catch((error: unknown) => log.warn("cannot profile", { error }));
  log.info("pprof is enabled", { path: "/debug/pprof" });
  undo.push(() => profiles.stop());
  return { profiles, clock };
}

/** Goes on where a step fails, since an open socket would keep the process; rejects with the first failure. */
async function undoAll(undo: Undo): Promise<void> {
  const failures: unknown[] = [];
  for (const step of undo.splice(0).reverse()) {
    try {
      await step();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

/** A member that failed leaves nothing running. */
async function stopOnFailure(done: Promise<void>, stop: () => Promise<void>, log: Os["log"]): Promise<void> {
  try {
    await done;
  } catch (failure) {
    try {
      await stop();
    } catch (error) {
      // A database that cannot be written cannot be closed in good order either; that is said already.
      const isSame = failure instanceof Error && failure.cause === error;
      if (!isSame) log.error(badEnd, { error });
    }
    throw failure;
  }
}

/** Ends as `done` does, or well when aborted first. */
function orAborted(done: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
    done.then(resolve, reject);
  });
}
