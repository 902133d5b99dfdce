import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseIpRange } from "../../base/ip-range.ts";
import { type Clock, systemClock } from "../../base/os/clock.ts";
import { systemDisk } from "../../base/os/disk.ts";
import { createLog, type Log, silentLog } from "../../base/os/log.ts";
import { MetricsRegistry } from "../../base/os/metrics.ts";
import type { Os } from "../../base/os/os.ts";
import { type Certificate, createAuthority, issueCertificate } from "../../base/os/pki.ts";
import { systemRandom } from "../../base/os/random.ts";
import { defaultAdmission } from "./admission/configuration-file.ts";
import { certificatesOnly } from "./authentication/config.ts";
import { type ApiserverConfig, http2StreamsDefault } from "./flags.ts";
import { MemoryStorage } from "./registry/memory-storage.ts";
import type { Storage } from "./registry/storage.ts";
import type { AskMembers } from "./registry/store-members.ts";
import { guardStoredObjects } from "./registry/stored-object.ts";
import { shutdownAtOnce } from "./shutdown/flags.ts";
import { startOnStorage } from "./start.ts";
import { type Protocol, type TestPlace, type TestReply, testTransport } from "./testing-exchange.ts";

/** An API server in this process, for tests of whatever talks to one. */
export interface TestApiserver {
  readonly url: string;
  /** A file with the admin's kubeconfig, for kubectl and for our own clients. */
  readonly kubeconfig: string;
  readonly admin: TestClient;
  /** A client without a certificate. */
  readonly stranger: TestClient;
  /** A client with a certificate for that user, of the cluster's authority unless said otherwise. */
  clientFor(user: string, groups?: readonly string[], signer?: Certificate): Promise<TestClient>;
  /** A kubeconfig file for that user. */
  kubeconfigFor(user: string, groups?: readonly string[]): Promise<string>;
  /** Where the server is, with the admin's certificate. */
  readonly place: TestPlace;
  /** PEM files of the authority, for parts that take certificates themselves. */
  readonly authority: Certificate;
  stop(): Promise<void>;
}

export interface TestAnswer {
  readonly code: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** The body as it came. */
  readonly bytes: Buffer;
  /** The body as JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly body: any;
}

export interface TestClient {
  call(
    method: string,
    path: string,
    options?: {
      readonly body?: unknown;
      readonly type?: string;
      readonly accept?: string;
      readonly headers?: Readonly<Record<string, string | readonly string[]>>;
    },
  ): Promise<TestAnswer>;
  /** Opens a watch; the lines come parsed, one after the other. */
  watch(path: string, accept?: string): AsyncGenerator<WatchLine, void>;
  /** A watch's bytes, as they come. */
  watchBytes(path: string, accept: string): AsyncGenerator<Buffer, void>;
  /** The same as `watch`; resolves once the server has begun to watch. */
  openWatch(path: string): Promise<AsyncGenerator<WatchLine, void>>;
  close(): void;
}
export interface WatchLine {
  readonly type: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly object: any;
}

export interface TestOptions {
  /** In memory unless given. Closed when the server stops. */
  readonly storage?: Storage;
  /** Asks the members of that storage's store. */
  readonly members?: AskMembers;
  readonly log?: Log;
  /** To start a second server of the same cluster. */
  readonly authority?: Certificate;
  readonly config?: Partial<ApiserverConfig>;
  readonly port?: number;
  readonly clock?: Clock;
  /** What the clients speak. */
  readonly protocol?: Protocol;
}

export function testOs(log: Log = silentLog): Os {
  return {
    clock: systemClock,
    random: systemRandom,
    disk: systemDisk,
    log: process.env.TEST_LOG ? createLog({ format: "text", level: "debug" }) : log,
    metrics: new MetricsRegistry(),
  };
}

guardStoredObjects(deepFreeze);

/** Whoever changes what the cache holds fails where it does so. */
function deepFreeze(value: unknown): void {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const one of Object.values(value)) deepFreeze(one);
}

let openStorage: (clock: Clock) => Promise<Storage> = async (clock) => new MemoryStorage(clock);

/** From now on servers that are given no storage stand on one of these. */
export function useStorageInTests(open: () => Promise<Storage>): void {
  openStorage = open;
}

let usualProtocol: Protocol = "HTTP/1.1";

/** From now on clients speak this where nothing else is said. */
export function useProtocolInTests(protocol: Protocol): void {
  usualProtocol = protocol;
}

export const testProtocol = (): Protocol => usualProtocol;

/** Starts a server on a free port of 127.0.0.1 and waits until it is ready. */
export async function startTestApiserver(options: TestOptions = {}): Promise<TestApiserver> {
  const os = { ...testOs(options.log), ...(options.clock && { clock: options.clock }) };
  const authority = options.authority ?? (await createAuthority({ name: "test-ca" }));
  const folder = await mkdtemp(join(tmpdir(), "pintle-apiserver-"));
  const server = await issueCertificate(authority, {
    commonName: "kube-apiserver",
    dnsNames: ["localhost", "kubernetes", "kubernetes.default.svc"],
    addresses: ["127.0.0.1"],
    usage: "server",
  });
  const kubelet = await issueCertificate(authority, {
    commonName: "system:apiserver",
    organizations: ["system:masters"],
    usage: "client",
  });
  const clusterIps = ["10.96.0.0/16"].flatMap((text) => parseIpRange(text) ?? []);
  const config: ApiserverConfig = {
    bindAddresses: ["127.0.0.1"],
    port: options.port ?? 0,
    advertiseAddress: "127.0.0.1",
    tls: { cert: server.certificatePem, key: server.privateKeyPem, clientCa: authority.certificatePem },
    authentication: certificatesOnly,
    store: { endpoints: [], tls: undefined },
    encryption: undefined,
    audit: undefined,
    shutdown: shutdownAtOnce,
    telemetry: { verbosity: 0 },
    compactionIntervalMs: 0,
    clusterIps,
    clusterDnsAddresses: [],
    nodePorts: { first: 30000, last: 32767 },
    nodeTls: { ca: authority.certificatePem, cert: kubelet.certificatePem, key: kubelet.privateKeyPem },
    inFlight: { readingMax: 400, mutatingMax: 200 },
    priorityAndFairness: true,
    proxyCertificate: { cert: undefined, key: undefined },
    resourceMetrics: false,
    features: new Set(),
    watchHistoryBytesMax: 64 * 1024 * 1024,
    headTimeoutMs: 32_000,
    http2: { serves: true, streamsMax: http2StreamsDefault },
    // No controller runs beside this server, and so nobody makes the accounts that pods would run as, or sees that a new
    // node is ready.
    disabledAdmission: ["ServiceAccount", "TaintNodesByCondition"],
    admission: defaultAdmission,
    ...options.config,
  };
  const storage = options.storage ?? (await openStorage(os.clock));
  const running = await startOnStorage(config, storage, os, { members: options.members });
  const clients: SettlingClient[] = [];
  const { protocol = usualProtocol } = options;
  const placeOf = (certificate: Certificate | undefined): TestPlace => ({
    port: running.port,
    ca: authority.certificatePem,
    ...(certificate && { cert: certificate.certificatePem, key: certificate.privateKeyPem }),
  });
  let files = 0;
  const clientFor = async (user: string, groups: readonly string[] = [], signer = authority) => {
    const certificate = await clientCertificate(signer, user, groups);
    const client = testClient(protocol, placeOf(certificate));
    clients.push(client);
    return client;
  };
  const kubeconfigFor = async (user: string, groups: readonly string[] = []) => {
    const path = join(folder, `kubeconfig-${files++}`);
    await writeFile(
      path,
      kubeconfigText(running.url, authority, await clientCertificate(authority, user, groups)),
    );
    return path;
  };
  const stranger = testClient(protocol, placeOf(undefined));
  clients.push(stranger);
  const place = placeOf(await clientCertificate(authority, "admin", ["system:masters"]));
  const admin = await clientFor("admin", ["system:masters"]);
  await untilReady(admin);
  return {
    url: running.url,
    place,
    kubeconfig: await kubeconfigFor("admin", ["system:masters"]),
    admin,
    stranger,
    clientFor,
    kubeconfigFor,
    authority,
    stop: async () => {
      await running.stop();
      // The last answers may be on their way still.
      await Promise.all(clients.map((client) => client.settled()));
      for (const client of clients) client.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function clientCertificate(
  authority: Certificate,
  user: string,
  groups: readonly string[],
): Promise<Certificate> {
  return issueCertificate(authority, { commonName: user, organizations: [...groups], usage: "client" });
}

const readyTimeoutMs = 60_000;

async function untilReady(client: TestClient): Promise<void> {
  const giveUpMs = Date.now() + readyTimeoutMs;
  for (;;) {
    const { code, text } = await client.call("GET", "/readyz?verbose");
    if (code === 200) return;
    if (Date.now() > giveUpMs) throw new Error(`the API server does not get ready:\n${text}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The text of a kubeconfig with inline certificates. */
export function kubeconfigText(url: string, authority: Certificate, client: Certificate): string {
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "test",
    contexts: [{ name: "test", context: { cluster: "test", user: "test" } }],
    clusters: [
      {
        name: "test",
        cluster: { server: url, "certificate-authority-data": base64(authority.certificatePem) },
      },
    ],
    users: [
      {
        name: "test",
        user: {
          "client-certificate-data": base64(client.certificatePem),
          "client-key-data": base64(client.privateKeyPem),
        },
      },
    ],
  });
}

interface SettlingClient extends TestClient {
  /** Resolves when every call is answered, or has failed. */
  settled(): Promise<unknown>;
}

function testClient(protocol: Protocol, place: TestPlace): SettlingClient {
  const pending = new Set<Promise<TestAnswer>>();
  const transport = testTransport(protocol, place);
  const open = (path: string, accept = "application/json") =>
    transport.ask({ method: "GET", path, headers: { accept }, isAlone: true });
  return {
    call: (
      method,
      path,
      { body, type = "application/json", accept = "application/json", headers = {} } = {},
    ) => {
      const isBytes = body === undefined || body instanceof Uint8Array || typeof body === "string";
      const bytes = isBytes ? body : JSON.stringify(body);
      const length = bytes !== undefined && {
        "content-type": type,
        "content-length": Buffer.byteLength(bytes),
      };
      const asked = { method, path, headers: { accept, ...length, ...headers }, body: bytes };
      const answer = transport.ask(asked).then(wholeAnswer);
      pending.add(answer);
      const forget = () => void pending.delete(answer);
      answer.then(forget, forget);
      return answer;
    },
    settled: () => Promise.allSettled(pending),
    watch: async function* (path, accept) {
      const { body, close } = await open(path, accept);
      yield* lines(body, close);
    },
    watchBytes: async function* (path, accept) {
      const { body, close } = await open(path, accept);
      try {
        yield* body;
      } finally {
        close();
      }
    },
    openWatch: async (path) => {
      const { body, close } = await open(path);
      return lines(body, close);
    },
    close: () => transport.close(),
  };
}

async function wholeAnswer({ code, headers, body }: TestReply): Promise<TestAnswer> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  const text = bytes.toString("utf8");
  const isJson = text !== "" && /json/.test(String(headers["content-type"] ?? ""));
  return {
    code,
    headers,
    text,
    bytes,
    // Read when asked for: the lines of a watch are no JSON as a whole.
    get body() {
      const isPlain = isJson && headers["content-encoding"] === undefined;
      return isPlain ? JSON.parse(text) : undefined;
    },
  };
}

async function* lines(response: AsyncIterable<Buffer>, close: () => void): AsyncGenerator<WatchLine, void> {
  try {
    let rest = "";
    for await (const chunk of response) {
      const complete = (rest + chunk.toString("utf8")).split("\n");
      rest = complete.pop() ?? "";
      for (const line of complete) yield JSON.parse(line);
    }
  } finally {
    close();
  }
}
