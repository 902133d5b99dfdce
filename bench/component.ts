import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePorts } from "../base/os/free-ports.ts";
import type { ApiAccess } from "./api/peers.ts";

/** A component of ours beside an API server, a process of its own. */
export interface Component {
  readonly name: string;
  readonly pid: number | undefined;
  /** Where it serves /metrics; undefined where it serves nothing. */
  readonly url: string | undefined;
  stop(): Promise<void>;
}

/** Writes a kubeconfig of whoever gets in so; answers its path. */
export function writeKubeconfig(folder: string, access: ApiAccess, name = "kubeconfig"): string {
  const path = join(folder, name);
  writeFileSync(path, kubeconfigOf(access), { mode: 0o600 });
  return path;
}

/** Starts `pintle WORDS` and, where it serves, waits until it is ready. Its log goes to the folder. */
export async function startComponent(
  words: readonly string[],
  { folder, serves }: { readonly folder: string; readonly serves: boolean },
): Promise<Component> {
  const [name = ""] = words;
  const [port = 0] = serves ? await freePorts(1) : [];
  const pintle = fileURLToPath(new URL("../bin/pintle", import.meta.url));
  const log = openSync(join(folder, `${name}.log`), "a");
  const flags = serves ? ["--secure-port", String(port)] : [];
  const child = spawn(pintle, [...words, ...flags], { stdio: ["ignore", log, log] });
  const url = serves ? `http://127.0.0.1:${port}` : undefined;
  if (url !== undefined) await untilReady(child, name, url);
  return {
    name,
    pid: child.pid,
    url,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

async function untilReady(child: ChildProcess, name: string, url: string): Promise<void> {
  const isReady = () =>
    fetch(`${url}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
  while (!(await isReady())) {
    if (child.exitCode !== null) throw new Error(`the ${name} did not start`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function kubeconfigOf({ port, caPem, certificatePem, keyPem }: ApiAccess): string {
  const data = (pem: string) => Buffer.from(pem).toString("base64");
  const server = `https://127.0.0.1:${port}`;
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "bench",
    clusters: [{ name: "bench", cluster: { server, "certificate-authority-data": data(caPem) } }],
    users: [
      {
        name: "bench",
        user: { "client-certificate-data": data(certificatePem), "client-key-data": data(keyPem) },
      },
    ],
    contexts: [{ name: "bench", context: { cluster: "bench", user: "bench" } }],
  });
}
