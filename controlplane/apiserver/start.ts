import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { deferred } from "../../base/deferred.ts";
import type { HttpHandler } from "../../base/http2/serve-http.ts";
import { ipRangeText } from "../../base/ip-range.ts";
import type { Log } from "../../base/os/log.ts";
import type { Os, Running } from "../../base/os/os.ts";
import { TaskScope } from "../../base/os/task-scope.ts";
import { withTracing } from "../../base/tracing/with-tracing.ts";
import { parseEndpoint } from "../../store/client/endpoints.ts";
import { GrpcTransport } from "../../store/client/grpc/grpc-transport.ts";
import { openStoreClient } from "../../store/client/open-client.ts";
import { inOrder } from "./admission/admission.ts";
import { conditionMetrics } from "./admission/matching/condition-metrics.ts";
import { quotaPluginName } from "./admission/plugin-names.ts";
import { admissionPlugins } from "./admission/plugins.ts";
import { podSecurityMetrics } from "./admission/pod-security/pod-security-metrics.ts";
import { admissionMetrics, timedPhases } from "./admission/timed.ts";
import { authenticationData } from "./aggregation/authentication-config.ts";
import { type Aggregation, composeAggregation } from "./aggregation/compose.ts";
import { auditAsConfigured } from "./audit/compose.ts";
import { gateOf } from "./authentication/gate-of.ts";
import { LegacyTokenUse } from "./authentication/legacy-token-use.ts";
import { type BootstrapDeps, bootstrap } from "./bootstrap/bootstrap.ts";
import { type ApiAddress, OwnAddress } from "./bootstrap/own-address.ts";
import { cacheFigures } from "./cache/cache-figures.ts";
import { CacheHub } from "./cache/cache-hub.ts";
import { ruledGroups } from "./custommetrics/compose.ts";
import type { ConverterOf } from "./customresources/custom-kind.ts";
import { serveDefinitions } from "./customresources/definitions.ts";
import { ruleTimes } from "./customresources/rule-times.ts";
import { HealthSlis } from "./discovery/health-slis.ts";
import { issuerDocuments } from "./discovery/issuer-documents.ts";
import { encryptedAsConfigured } from "./encryption/compose.ts";
import { authorizers } from "./filters/authorizers.ts";
import { BodiesUnderWay } from "./filters/bodies-under-way.ts";
import type { ApiserverConfig } from "./flags.ts";
import { type Bounds, composeBounds } from "./flowcontrol/compose.ts";
import type { HandlerDeps } from "./handlers/call.ts";
import { ownApplier, ownRecorder } from "./handlers/field-manager.ts";
import { attach, holdNothing, lastBytes, listenAll, stopListening, tlsServer } from "./listeners.ts";
import { logSearch } from "./logsearch/serve.ts";
import type { NearStore } from "./near-store.ts";
import { endWith } from "./odd-http.ts";
import { openApiDocuments } from "./openapi/documents.ts";
import { paramRights } from "./policies/param-rights.ts";
import { mutatingPolicyMetrics, validatingPolicyMetrics } from "./policies/policy-metrics.ts";
import { checkPolicies } from "./policies/policy-status.ts";
import { deviceRights } from "./rbac/device-rights.ts";
import { escalationCheck } from "./rbac/escalation.ts";
import type { Rbac } from "./rbac/rbac-authorizer.ts";
import { clusterDialer } from "./reach/dialer.ts";
import { nodeLink } from "./reach/node-link.ts";
import type { Within } from "./reach/within.ts";
import { AddressObjects } from "./registry/address-objects.ts";
import { allocationFigures, observeAllocated } from "./registry/allocation-figures.ts";
import { compactRegularly } from "./registry/compactor.ts";
import { EtcdStorage, storeTimeouts } from "./registry/etcd-storage.ts";
import type { Kind, ValidationContext } from "./registry/kind.ts";
import { KindRegistry } from "./registry/kind-registry.ts";
import type { Kinds } from "./registry/kind-table.ts";
import { LeaseFence } from "./registry/lease-fence.ts";
import { QuotaLedger, withoutQuotas } from "./registry/quota-ledger.ts";
import { portCount, ServiceAllocator, usableCount } from "./registry/service-allocator.ts";
import type { Storage } from "./registry/storage.ts";
import { type AskMembers, memberAsker } from "./registry/store-members.ts";
import { kindPrefix } from "./registry/stored-object.ts";
import { askNode } from "./resourcemetrics/ask-node.ts";
import { NodeUsages } from "./resourcemetrics/node-usages.ts";
import { kindsWithFlags } from "./resources/reported-kinds.ts";
import { kinds as allKinds } from "./resources/table.ts";
import { checkBuilt } from "./schema/load.ts";
import { schemas } from "./schema-wiring.ts";
import { type ServerDeps, serve } from "./server.ts";
import { Shutdown } from "./shutdown/shutdown.ts";
import { observeBuild } from "./telemetry/build-info.ts";
import { logMetrics } from "./telemetry/log-metrics.ts";
import { MeasuredStorage, storageMetrics } from "./telemetry/measured-storage.ts";
import { observeApi } from "./telemetry/observed-metrics.ts";
import { FiguresByLabels } from "./telemetry/request-figures.ts";
import { requestMetrics } from "./telemetry/request-metrics.ts";
import { loud } from "./telemetry/verbosity.ts";
import { watchMetrics } from "./telemetry/watch-metrics.ts";
import { mayUpgrade, serveUpgrade } from "./upgrade.ts";
import { type ConversionDeps, convertObjects } from "./webhooks/convert-objects.ts";
import { HookClients } from "./webhooks/hook-client.ts";
import { hookAddress } from "./webhooks/hooks.ts";
import { conversionMetrics, webhookMetrics } from "./webhooks/metrics.ts";

export interface RunningApiserver extends Running {
  /** `https://127.0.0.1:6443`: the advertised address with the port it listens on. */
  readonly url: string;
  readonly port: number;
  /** Answers a request, from wherever it came. */
  readonly handle: HttpHandler;
  /** Answers a request to leave HTTP on its connection. */
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** Has a server that was started with no addresses to bind listen after all. What listens so does not keep the process alive. */
  readonly listen: (where: LaterAddresses) => Promise<LaterPort>;
}

export interface LaterAddresses extends Pick<ApiserverConfig, "bindAddresses" | "advertiseAddress"> {
  /** 0: any free one. */
  readonly port: number;
}

export interface LaterPort {
  readonly port: number;
  /** Resolves when the `kubernetes` Service leads there, or could not be told so for now. */
  readonly told: Promise<void>;
}

/** Starts an API server on the store that the configuration names. Resolves once it listens, which a store in this process must
 *  have started for; /readyz tells when the store answers. Rejects when that cannot start, or an address cannot be bound. */
export function startApiserver(config: ApiserverConfig, os: Os, near?: NearStore): Promise<RunningApiserver> {
  const { endpoints, tls } = config.store;
  const remote = new GrpcTransport(tls, os);
  const secure = tls !== undefined;
  const isNear = (url: string) => near?.isHere(parseEndpoint(url, secure)) ?? false;
  const client = openStoreClient(
    {
      endpoints: [...endpoints.filter(isNear), ...endpoints.filter((url) => !isNear(url))],
      tls,
      timeoutMs: storeTimeouts.requestMs,
    },
    { clock: os.clock, random: os.random, transport: near?.transport(remote) ?? remote },
  );
  return startOnStorage(config, new EtcdStorage(client, os.clock), os, {
    ...(near && { storeStarted: near.started }),
    members: memberAsker(client, tls),
  });
}

/** The same on a given storage, which is closed at the end.
 *  @param storeStarted Not before that does it listen.
 *  @param within What it need not reach over the network.
 *  @param keepsAlive Whether the process goes on because this server listens, and is connected.
 *  @param members Asks the store's members how they are, where it has any. */
export function startOnStorage(
  config: ApiserverConfig,
  storage: Storage,
  os: Os,
  options: StorageOptions = {},
): Promise<RunningApiserver> {
  const name = "apiserver"; // as Kubernetes calls it in traces
  return withTracing(config.tracing, { name, instance: config.advertiseAddress }, os, (own) =>
    startServer(config, storage, own, options),
  );
}

interface StorageOptions {
  readonly storeStarted?: Promise<void>;
  readonly within?: Within;
  readonly keepsAlive?: boolean;
  readonly members?: AskMembers | undefined;
}

async function startServer(
  config: ApiserverConfig,
  storage: Storage,
  os: Os,
  { storeStarted = Promise.resolve(), within = {}, keepsAlive = true, members }: StorageOptions,
): Promise<RunningApiserver> {
  checkBuilt();
  const log = os.log.child("apiserver");
  const tasks = new TaskScope(log);
  const shutdown = new Shutdown(config.shutdown, os);
  const state = { bootstrapped: false };
  const composed = handlerDeps(config, storage, { os, log, within });
  const { rbac, hookClients, followEncryption } = composed;
  const ruled = await ruledGroups(config.customMetrics, composed.handlers);
  const handlers = { ...composed.handlers, ...(ruled?.usages && { usages: ruled.usages }) };
  const { hub, kinds } = handlers;
  const audit = auditAsConfigured(config.audit, os, log);
  const bounds = composeBounds(config, handlers, os);
  const { proxyCertificate: certificate } = config;
  const builtIn = builtInKinds(config);
  const aggregation = composeAggregation(handlers, { certificate, builtIn, ruled, meter: os.metrics });
  const servers = config.bindAddresses.map(() => tlsServer(config));
  const port = await storeStarted
    .then(() => listenAll(servers, config))
    .catch(async (error: unknown) => {
      await storage.close();
      throw error;
    });
  const { serviceAccounts } = config.authentication;
  const addressText = ({ ip, port }: ApiAddress) => `${ip}:${port}`;
  const usual = { ip: config.advertiseAddress, port };
  const own = new OwnAddress(servers.length === 0 ? undefined : usual);
  const address = () => addressText(own.now ?? usual);
  const metrics = requestMetrics(os.metrics);
  const deps: ServerDeps = {
    handlers,
    plain: {
      storage,
      hub,
      kinds,
      log: loud(log, "refusals", config.telemetry.verbosity),
      metrics: os.metrics,
      clock: os.clock,
      openApi: openApiDocuments(kinds, { issues: serviceAccounts !== undefined }),
      get address() {
        return address();
      },
      issuer: serviceAccounts && issuerDocuments(serviceAccounts, address),
      accepting: () => !shutdown.isAnnounced,
      bootstrapped: () => state.bootstrapped,
      elsewhere: aggregation.elsewhere,
      isAggregated: aggregation.isReady,
      flowControl: bounds.flowControl,
      slis: new HealthSlis(),
      flags: config.telemetry.flags ?? {},
      members,
      isBounded: bounds.isReady,
    },
    delegates: [aggregation.delegate, logSearch(config, handlers)],
    upgradeElsewhere: aggregation.upgrade,
    isElsewhere: aggregation.serves,
    seats: bounds.seats,
    bodies: new BodiesUnderWay(),
    telemetry: {
      config: config.telemetry,
      metrics,
      figures: new FiguresByLabels(metrics),
      kinds,
      clock: os.clock,
      log: log.child("http"),
    },
    audit,
    clock: os.clock,
    random: os.random,
    log,
    shutdown,
  };
  observeBuild(os.metrics);
  observeApi(os.metrics, { counts: bounds.seats.counts, caches: () => hub.ready() });
  const connections = new Set<Socket>();
  if (!keepsAlive) for (const server of servers) holdNothing(server);
  const listeners = servers.map((server) => attach(server, config, { deps, connections }));
  const listen = async (where: LaterAddresses) => {
    const more = where.bindAddresses.map(() => tlsServer(config));
    const bound = await listenAll(more, where);
    for (const server of more) holdNothing(server);
    listeners.push(...more.map((server) => attach(server, config, { deps, connections })));
    return { port: bound, told: own.moveTo({ ip: where.advertiseAddress, port: bound }) };
  };
  const withdrawing = new AbortController();
  const withdrawn = deferred<void>();
  runLoops(tasks, config, {
    handlers,
    conversion: {
      clients: hookClients,
      clock: os.clock,
      random: os.random,
      metrics: conversionMetrics(os.metrics),
    },
    bounds,
    aggregation,
    address: own,
    withdrawing: withdrawing.signal,
    onWithdrawn: withdrawn.resolve,
    onPolicy: () => rbac.open(),
    onReady: () => {
      state.bootstrapped = true;
    },
  });
  if (followEncryption !== undefined) tasks.run("encryption", followEncryption);
  log.info("serving", { addresses: config.bindAddresses.join(","), port });
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= (async () => {
      let closed: Promise<void> | undefined;
      await shutdown.run({
        withdraw: async () => {
          withdrawing.abort();
          // Otherwise there is nothing to withdraw, and the store may be what it waits for.
          if (own.isPublished) await withdrawn.promise;
        },
        stopListening: () => {
          closed = stopListening(listeners);
        },
      });
      await lastBytes({ closed, connections, clock: os.clock });
      await tasks.stop();
      aggregation.close();
      ruled?.close();
      handlers.nodes.agent.destroy();
      handlers.nodes.trustingAgent.destroy();
      handlers.usages.close();
      hookClients.close();
      await storage.close();
      await audit?.close();
    })();
    return stopped;
  };
  const done = tasks.untilStopped().then(
    () => stop(),
    async (error: unknown) => {
      await stop();
      throw error;
    },
  );
  const handle: HttpHandler = (request, response) => serve(request, response, deps);
  const upgrade: RunningApiserver["upgrade"] = (request, socket, head) => {
    if (mayUpgrade(request, deps)) void serveUpgrade(request, socket, { deps, head });
    else endWith(socket, { code: 400, text: "400 Bad Request: nothing here leaves HTTP" });
  };
  return { url: `https://${addressText(usual)}`, port, handle, upgrade, listen, done, stop };
}

/** Everything that goes on beside requests. */
function runLoops(
  tasks: TaskScope,
  config: ApiserverConfig,
  parts: {
    readonly handlers: HandlerDeps;
    readonly conversion: Omit<ConversionDeps, "signal">;
    readonly bounds: Bounds;
    readonly aggregation: Aggregation;
    readonly address: OwnAddress;
    /** Aborts when this server is to be no endpoint any more; then it says that it is none. */
    readonly withdrawing: AbortSignal;
    readonly onWithdrawn: () => void;
  } & Pick<BootstrapDeps, "onPolicy" | "onReady">,
): void {
  const { handlers, bounds, aggregation, address, withdrawing, onWithdrawn, onPolicy, onReady } = parts;
  const { hub, storage, clock, log } = handlers;
  const { clusterIps, clusterDnsAddresses, compactionIntervalMs } = config;
  tasks.run("cache", (signal) => hub.run(signal));
  const { tls, authentication } = config;
  const told = authenticationData(tls.clientCa, authentication.requestHeader);
  const admitsMachines = authentication.bootstrapTokens;
  const servesTrustBundles = config.features.has("ClusterTrustBundle");
  const policy = { admitsMachines, servesTrustBundles };
  const kept = { clusterIps, clusterDnsAddresses, authenticationData: told, policy };
  const made = { registry: handlers, address, ...kept, onPolicy, onReady };
  tasks.run("bootstrap", (signal) =>
    bootstrap(made, AbortSignal.any([signal, withdrawing])).finally(onWithdrawn),
  );
  const definitions = builtIn(handlers.kinds, "customresourcedefinitions", "apiextensions.k8s.io");
  tasks.run("definitions", (signal) =>
    serveDefinitions({ ...handlers, converter: converterOf(parts.conversion, signal) }, definitions, signal),
  );
  const policies = builtIn(handlers.kinds, "validatingadmissionpolicies", "admissionregistration.k8s.io");
  tasks.run("policies", (signal) => checkPolicies(handlers, policies, signal));
  tasks.run("aggregation", (signal) => aggregation.run(signal));
  tasks.run("bounds", (signal) => bounds.run(signal));
  if (compactionIntervalMs > 0)
    tasks.run("compaction", (signal) =>
      compactRegularly({ storage, clock, log, intervalMs: compactionIntervalMs }, signal),
    );
}

/** Asks the webhooks of definitions to convert, as long as this server runs. */
function converterOf(deps: Omit<ConversionDeps, "signal">, signal: AbortSignal): ConverterOf {
  return ({ clientConfig = {}, conversionReviewVersions = [] }) =>
    convertObjects(
      { ...deps, signal },
      { address: hookAddress(clientConfig), reviewVersions: conversionReviewVersions },
    );
}

/** What the handlers work with, joined. */
function handlerDeps(
  config: ApiserverConfig,
  bare: Storage,
  { os, log, within }: { os: Os; log: Log; within: Within },
): {
  readonly handlers: HandlerDeps;
  readonly rbac: Rbac;
  readonly hookClients: HookClients;
  readonly followEncryption: ((signal: AbortSignal) => Promise<void>) | undefined;
} {
  const kinds = new KindRegistry(builtInKinds(config));
  const measured = new MeasuredStorage(bare, { metrics: storageMetrics(os.metrics), kinds, clock: os.clock });
  const encrypted = encryptedAsConfigured(config.encryption, measured, { kinds, os, log });
  const { storage } = encrypted;
  const hub = new CacheHub({
    storage,
    clock: os.clock,
    random: os.random,
    log,
    historyBytesMax: config.watchHistoryBytesMax,
    figuresOf: cacheFigures(os.metrics),
  });
  kinds.onChange(({ removed }) => {
    measured.forgetKinds();
    for (const kind of removed) hub.forget(kind);
  });
  const { clusterIps, nodePorts } = config;
  const { authorizer, rulesFor, rbac } = authorizers({ hub, kinds, clock: os.clock });
  const lookup = { kinds, hub, storage, clock: os.clock };
  const facts: ValidationContext = {
    ruleTimes: ruleTimes(os.metrics, os.clock),
    features: config.features,
    loopbackEndpoints: [...clusterIps.map(ipRangeText), config.advertiseAddress].some((text) =>
      text.startsWith("127."),
    ),
  };
  const nodes = nodeLink(config.nodeTls, within.node);
  const tokens = config.authentication.serviceAccounts?.issuer;
  const dialer = clusterDialer({ ...lookup, random: os.random, nodes, facts });
  const hookClients = new HookClients(dialer, within.hook);
  const admission = {
    ...lookup,
    random: os.random,
    log,
    authorizer,
    issuesTokens: tokens !== undefined,
    schemas: schemas(),
    clients: hookClients,
    metrics: webhookMetrics(os.metrics),
    conditionMetrics: conditionMetrics(os.metrics),
    durations: admissionMetrics(os.metrics),
    policyChecks: validatingPolicyMetrics(os.metrics),
    mutationChecks: mutatingPolicyMetrics(os.metrics),
    podSecurityCounts: podSecurityMetrics(os.metrics),
    ...config.admission,
  };
  const recordOwn = ownRecorder({ schemas: admission.schemas, clock: os.clock });
  const services = builtIn(kinds, "services");
  observeAllocated(os.metrics, {
    clusterIps: clusterIps.map((range) => ({ range, ipCount: usableCount(range) })),
    portCount: portCount(nodePorts),
    services: () => hub.peek(services)?.list(kindPrefix(services)),
  });
  const legacyUse = new LegacyTokenUse(() => handlers);
  const handlers: HandlerDeps = {
    storage,
    hub,
    kinds,
    clock: os.clock,
    random: os.random,
    log,
    allocator: new ServiceAllocator({
      storage,
      random: os.random,
      clusterIps,
      nodePorts,
      addresses: new AddressObjects(builtIn(kinds, "ipaddresses", "networking.k8s.io"), { ...os, recordOwn }),
      figures: allocationFigures(os.metrics, os.clock),
    }),
    quotas: config.disabledAdmission.includes(quotaPluginName) ? withoutQuotas : new QuotaLedger(lookup),
    fence: new LeaseFence(builtIn(kinds, "leases", "coordination.k8s.io"), lookup, os.metrics),
    admission: timedPhases(
      admission,
      inOrder(
        ...admissionPlugins(admission, config.disabledAdmission),
        escalationCheck({ authorizer, index: rbac.index, consistent: () => rbac.consistent() }),
        paramRights({ ...lookup, authorizer }),
        deviceRights({ ...lookup, authorizer }),
      ),
    ),
    ...(os.tracer && { tracer: os.tracer }),
    authorizer,
    rulesFor,
    gate: gateOf(config, {
      ...lookup,
      random: os.random,
      meter: os.metrics,
      authorizer,
      log,
      noteLegacyUse: (secret) => legacyUse.note(secret),
    }),
    tokens,
    facts,
    schemas: admission.schemas,
    recordOwn,
    applyOwn: ownApplier({ schemas: admission.schemas, clock: os.clock }),
    watched: watchMetrics(os.metrics),
    logged: logMetrics(os.metrics),
    nodes,
    usages: new NodeUsages({
      ask: (node) => askNode(node, { nodes, clock: os.clock, facts }),
      clock: os.clock,
      log,
    }),
    dialer,
  };
  return { handlers, rbac, hookClients, followEncryption: encrypted.follow };
}

/** What is served whatever definitions there are. */
function builtInKinds(config: ApiserverConfig): readonly Kind[] {
  return [...allKinds, ...kindsWithFlags(config)];
}

function builtIn(kinds: Kinds, plural: string, group = ""): Kind {
  const kind = kinds.named(group, plural)?.kind;
  if (kind === undefined) throw new Error(`the table of kinds lacks ${plural}`);
  return kind;
}
