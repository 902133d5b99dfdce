import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePorts } from "../../base/os/free-ports.ts";
import { type Certificate, createAuthority, createSigningKey, issueCertificate } from "../../base/os/pki.ts";
import { type Usage, usageOf } from "../usage.ts";

/** One side of a comparison: an API server on a store of one member, each a process of its own on loopback. */
export interface ApiSide {
  readonly name: SideName;
  /** How a client gets in: as somebody who may do everything. */
  readonly access: ApiAccess;
  /** How somebody else gets in, with the rights that roles give to that name. */
  accessAs(name: string): Promise<ApiAccess>;
  /** From the start of the API server to its first /readyz that says yes; its store is there already, and empty, unless it
   *  starts in the same process. */
  readonly readyMs: number;
  readonly pids: { readonly server: number | undefined; readonly store: number | undefined };
  usage(): { readonly server: Usage; readonly store: Usage };
  stop(): Promise<void>;
}

export type SideName = "pintle" | "kubernetes";

export interface ApiAccess {
  readonly port: number;
  readonly caPem: string;
  readonly certificatePem: string;
  readonly keyPem: string;
}

/** The real one's binary; undefined where nobody says. */
export function kubeApiserver(): string | undefined {
  const path = process.env.PINTLE_KUBE_APISERVER;
  return path !== undefined && path !== "" && existsSync(path) ? path : undefined;
}

const readyTimeoutMs = 60_000;
const readyEveryMs = 10;

export interface SideOptions {
  /** Flags of node for our API server, to profile it. */
  readonly nodeFlags: readonly string[];
  /** Our API server and its store in one process: then all is the server's. */
  readonly oneProcess: boolean;
  /** Flags of a kube-apiserver; left out, it authorizes by RBAC alone. */
  readonly kubernetesFlags?: readonly string[];
}

export async function startApiSide(
  name: SideName,
  {
    nodeFlags = [],
    oneProcess = false,
    kubernetesFlags = ["--authorization-mode=RBAC"],
  }: Partial<SideOptions> = {},
): Promise<ApiSide> {
  const folder = mkdtempSync(join(tmpdir(), `pintle-bench-api-${name}-`));
  const [storePort = 0, peerPort = 0, apiPort = 0] = await freePorts(3);
  const { access, authority } = await writeCredentials(folder, apiPort);
  const pintle = fileURLToPath(new URL("../../bin/pintle", import.meta.url));
  const ours = name === "pintle";
  const together = ours && oneProcess;
  const started: ChildProcess[] = [];
  const stop = async () => {
    for (const child of started.reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      // What is asked for its profile writes it as it goes.
      child.kill(nodeFlags.length > 0 ? "SIGTERM" : "SIGKILL");
      await once(child, "exit");
    }
    rmSync(folder, { recursive: true, force: true });
  };
  const start = (part: string, command: readonly string[]) => {
    const log = openSync(join(folder, `${part}.log`), "a");
    const [file = "", ...args] = command;
    const child = spawn(file, args, { stdio: ["ignore", log, log] });
    started.push(child);
    return child;
  };
  try {
    const storeUrl = `http://127.0.0.1:${storePort}`;
    const ofStore = storeFlags(folder, storeUrl, peerPort);
    const store = together
      ? undefined
      : start("store", [
          ...(ours ? [process.execPath, ...ownFlags(pintle), pintle, "store"] : ["etcd"]),
          ...ofStore,
        ]);
    if (store !== undefined) await untilOk(store, async () => (await fetch(`${storeUrl}/health`)).ok);
    const startedMs = performance.now();
    const ofServer = serverFlags(folder, storeUrl, apiPort);
    const node = [process.execPath, ...ownFlags(pintle), ...nodeFlags, pintle];
    const server = start(
      "apiserver",
      together
        ? [
            ...[...node, "server", "--parts=store,apiserver"],
            ...ofStore.map((flag) => flag.replace("--", "--store.")),
            ...ofServer.map((flag) => flag.replace("--", "--apiserver.")),
            // A kube-apiserver leaves it to an add-on.
            "--apiserver.resource-metrics=false",
          ]
        : ours
          ? [...node, "apiserver", ...ofServer]
          : [kubeApiserver() ?? "", ...ofServer, ...kubernetesFlags, `--cert-dir=${folder}`],
    );
    await untilOk(server, () => isReady(access));
    const readyMs = performance.now() - startedMs;
    return {
      name,
      access,
      accessAs: async (commonName) => ({
        ...access,
        ...clientCredentials(await issueCertificate(authority, { commonName, usage: "client" })),
      }),
      readyMs,
      pids: { server: server.pid, store: store?.pid },
      usage: () => ({ server: usageOf(server.pid), store: store ? usageOf(store.pid) : unused }),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The flags of node in the first line of the command. */
function ownFlags(command: string): readonly string[] {
  const [firstLine = ""] = readFileSync(command, "utf8").split("\n");
  return firstLine.split(" ").filter((word) => word.startsWith("--"));
}

/** Of a store that is no process of its own. */
const unused: Usage = { cpuSeconds: 0, residentMb: 0, fileBackedMb: 0 };

function storeFlags(folder: string, storeUrl: string, peerPort: number): readonly string[] {
  return [
    `--data-dir=${join(folder, "store")}`,
    `--listen-client-urls=${storeUrl}`,
    `--advertise-client-urls=${storeUrl}`,
    `--listen-peer-urls=http://127.0.0.1:${peerPort}`,
    `--initial-advertise-peer-urls=http://127.0.0.1:${peerPort}`,
    `--initial-cluster=default=http://127.0.0.1:${peerPort}`,
  ];
}

function serverFlags(folder: string, storeUrl: string, port: number): readonly string[] {
  return [
    `--etcd-servers=${storeUrl}`,
    "--bind-address=127.0.0.1",
    `--secure-port=${port}`,
    `--tls-cert-file=${join(folder, "server.pem")}`,
    `--tls-private-key-file=${join(folder, "server-key.pem")}`,
    `--client-ca-file=${join(folder, "ca.pem")}`,
    "--service-cluster-ip-range=10.96.0.0/16",
    "--service-account-issuer=https://bench",
    `--service-account-key-file=${join(folder, "account-key.pem")}`,
    `--service-account-signing-key-file=${join(folder, "account-key.pem")}`,
    // There are no controllers that would make the accounts that pods need.
    "--disable-admission-plugins=ServiceAccount",
  ];
}

async function writeCredentials(
  folder: string,
  port: number,
): Promise<{ readonly access: ApiAccess; readonly authority: Certificate }> {
  const authority = await createAuthority({ name: "bench" });
  const names = { dnsNames: ["localhost"], addresses: ["127.0.0.1"] };
  const server = await issueCertificate(authority, {
    commonName: "kube-apiserver",
    ...names,
    usage: "server",
  });
  const client = await issueCertificate(authority, {
    commonName: "bench",
    organizations: ["system:masters"],
    usage: "client",
  });
  const account = await createSigningKey();
  const files = {
    "ca.pem": authority.certificatePem,
    "server.pem": server.certificatePem,
    "server-key.pem": server.privateKeyPem,
    "account-key.pem": account.privatePem,
  };
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
  return { access: { port, caPem: authority.certificatePem, ...clientCredentials(client) }, authority };
}

const clientCredentials = ({ certificatePem, privateKeyPem }: Certificate) => ({
  certificatePem,
  keyPem: privateKeyPem,
});

async function untilOk(child: ChildProcess, isOk: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + readyTimeoutMs;
  let last = "it says no";
  while (performance.now() < deadlineMs) {
    if (child.exitCode !== null) throw new Error(`${child.spawnargs[0]} ended with ${child.exitCode}`);
    try {
      if (await isOk()) return;
    } catch (error) {
      last = error instanceof Error ? error.message : String(error);
    }
    await new Promise((resolve) => setTimeout(resolve, readyEveryMs));
  }
  throw new Error(
    `${child.spawnargs.slice(0, 3).join(" ")} is not ready after ${readyTimeoutMs} ms: ${last}`,
  );
}

function isReady(access: ApiAccess): Promise<boolean> {
  const { port, caPem: ca, certificatePem: cert, keyPem: key } = access;
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: "127.0.0.1", port, path: "/readyz", ca, cert, key, agent: false },
      (answer) => {
        answer.resume();
        answer.on("end", () => resolve(answer.statusCode === 200));
      },
    );
    asked.on("error", reject);
    asked.end();
  });
}
