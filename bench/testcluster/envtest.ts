import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePorts } from "../../base/os/free-ports.ts";
import { createAuthority, createSigningKey, issueCertificate } from "../../base/os/pki.ts";
import { kubeconfigText } from "../../client/kubeconfig.ts";

/** The two processes that envtest starts, with its flags, and how a client gets in. */
export interface Envtest {
  readonly commands: readonly (readonly string[])[];
  readonly kubeconfig: string;
  readonly remove: () => void;
}

/** Makes what the processes are told of. Certificates are not counted in their time. */
export async function prepareEnvtest(binaries: {
  readonly etcd: string;
  readonly apiserver: string;
}): Promise<Envtest> {
  const folder = mkdtempSync(join(tmpdir(), "pintle-bench-envtest-"));
  const [clientPort = 0, peerPort = 0, apiPort = 0] = await freePorts(3);
  const authority = await createAuthority({ name: "envtest" });
  const server = await issueCertificate(authority, {
    commonName: "kube-apiserver",
    dnsNames: ["localhost"],
    addresses: ["127.0.0.1"],
    usage: "server",
  });
  const admin = await issueCertificate(authority, {
    commonName: "admin",
    organizations: ["system:masters"],
    usage: "client",
  });
  const account = await createSigningKey();
  const path = (name: string, text: string) => {
    const file = join(folder, name);
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  };
  const ca = path("ca.pem", authority.certificatePem);
  const key = path("accounts.pem", account.privatePem);
  const kubeconfig = path(
    "kubeconfig",
    kubeconfigText({
      servers: [`https://127.0.0.1:${apiPort}`],
      caPem: authority.certificatePem,
      certificatePem: admin.certificatePem,
      privateKeyPem: admin.privateKeyPem,
      namespace: "default",
    }),
  );
  const storeUrl = `http://127.0.0.1:${clientPort}`;
  const peerUrl = `http://127.0.0.1:${peerPort}`;
  return {
    kubeconfig,
    remove: () => rmSync(folder, { recursive: true, force: true }),
    commands: [
      [
        binaries.etcd,
        `--data-dir=${join(folder, "etcd")}`,
        `--listen-client-urls=${storeUrl}`,
        `--advertise-client-urls=${storeUrl}`,
        `--listen-peer-urls=${peerUrl}`,
        `--initial-advertise-peer-urls=${peerUrl}`,
        `--initial-cluster=default=${peerUrl}`,
        ...(await knowsNoFsync(binaries.etcd)),
      ],
      [
        binaries.apiserver,
        `--etcd-servers=${storeUrl}`,
        `--cert-dir=${folder}`,
        "--bind-address=127.0.0.1",
        `--secure-port=${apiPort}`,
        `--tls-cert-file=${path("server.pem", server.certificatePem)}`,
        `--tls-private-key-file=${path("server-key.pem", server.privateKeyPem)}`,
        `--client-ca-file=${ca}`,
        "--authorization-mode=RBAC",
        "--allow-privileged=true",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--disable-admission-plugins=ServiceAccount",
        "--service-account-issuer=https://127.0.0.1/",
        `--service-account-key-file=${key}`,
        `--service-account-signing-key-file=${key}`,
      ],
    ],
  };
}

/** envtest's etcd waits for no disk; releases before 3.5 cannot. */
async function knowsNoFsync(etcd: string): Promise<readonly string[]> {
  const { stdout, stderr } = await promisify(execFile)(etcd, ["--help"]);
  return `${stdout}${stderr}`.includes("--unsafe-no-fsync") ? ["--unsafe-no-fsync"] : [];
}
