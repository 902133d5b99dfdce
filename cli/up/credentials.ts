import { chmod, readFile, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ifPresent } from "../../base/os/if-present.ts";
import { makeFolder } from "../../base/os/make-folder.ts";
import {
  type Certificate,
  type CertificateRequest,
  createAuthority,
  createSigningKey,
  issueCertificate,
} from "../../base/os/pki.ts";
import { randomBytes, systemRandom } from "../../base/os/random.ts";
import { kubeconfigText } from "../../client/kubeconfig.ts";
import { frontProxyName } from "./front-proxy-name.ts";
import type { Layout } from "./layout.ts";

/** The certificates and kubeconfigs of a local cluster. Three authorities, so that a credential for the cluster's API never
 *  opens the store, and nobody who has one can pass for an API server's front proxy, which says who others are: `store` signs
 *  members and the API servers' store clients, `front-proxy` the API servers' clients of extension servers, `cluster` signs
 *  everything else. */
export interface CredentialsNeeded {
  readonly nodes: readonly { readonly name: string; readonly address: string }[];
  /** Addresses the API servers answer on, and their URLs as clients see them. */
  readonly apiAddresses: readonly string[];
  /** Names beside those of the Service, by which they are reached from elsewhere. */
  readonly apiNames?: readonly string[];
  readonly apiUrls: readonly string[];
  readonly internalApiUrls: readonly string[];
  /** The first address of the service range: the `kubernetes` Service. */
  readonly kubernetesServiceIp: string;
}

export async function prepareCredentials(layout: Layout, needed: CredentialsNeeded): Promise<void> {
  await makeFolder(layout.pki, 0o700);
  await chmod(layout.pki, 0o700);
  const [cluster, store, proxies] = await Promise.all([
    authority(layout, "ca"),
    authority(layout, "store-ca"),
    authority(layout, "front-proxy-ca"),
  ]);
  const loopback = { dnsNames: ["localhost"], addresses: ["127.0.0.1", "::1"] };
  const apiNames = [
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
  ];
  await Promise.all([
    accountKey(layout),
    secretsKey(layout),
    // Issued anew at every start: they follow the addresses, and never run out on a cluster that is restarted.
    pair(layout, "store-server", store, { commonName: "store", ...loopback, usage: "both" }),
    pair(layout, "store-client", store, { commonName: "apiserver", usage: "client" }),
    pair(layout, "apiserver", cluster, {
      commonName: "kube-apiserver",
      dnsNames: ["localhost", ...apiNames, ...(needed.apiNames ?? [])],
      addresses: [...new Set(["127.0.0.1", "::1", needed.kubernetesServiceIp, ...needed.apiAddresses])],
      usage: "server",
    }),
    pair(layout, "kubelet-client", cluster, {
      commonName: "system:apiserver",
      organizations: ["system:masters"],
      usage: "client",
    }),
    pair(layout, "front-proxy-client", proxies, { commonName: frontProxyName, usage: "client" }),
    ...needed.nodes.map((node) =>
      pair(layout, `node-${node.name}`, cluster, {
        commonName: `system:node:${node.name}`,
        organizations: ["system:nodes"],
        dnsNames: [node.name, "localhost"],
        addresses: [...new Set(["127.0.0.1", node.address])],
        usage: "both",
      }),
    ),
    kubeconfig(layout, layout.kubeconfig, "admin", cluster, needed.apiUrls, ["system:masters"]),
    kubeconfig(layout, layout.kubeconfigOf("scheduler"), "system:kube-scheduler", cluster, needed.apiUrls),
    kubeconfig(
      layout,
      layout.kubeconfigOf("controller-manager"),
      "system:kube-controller-manager",
      cluster,
      needed.apiUrls,
    ),
    ...needed.nodes.map((node) =>
      kubeconfig(
        layout,
        layout.kubeconfigOf(node.name),
        `system:node:${node.name}`,
        cluster,
        needed.internalApiUrls,
        ["system:nodes"],
      ),
    ),
  ]);
}

async function authority(layout: Layout, name: string): Promise<Certificate> {
  const certificatePath = join(layout.pki, `${name}.pem`);
  const keyPath = join(layout.pki, `${name}-key.pem`);
  try {
    return {
      certificatePem: await readFile(certificatePath, "utf8"),
      privateKeyPem: await readFile(keyPath, "utf8"),
    };
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    const made = await createAuthority({ name: `pintle-${name}` });
    await writeFile(keyPath, made.privateKeyPem, { mode: 0o600 });
    await writeFile(certificatePath, made.certificatePem);
    return made;
  }
}

/** The key that service accounts' tokens are signed with: the same for all API servers, and kept, as tokens outlive them. */
async function accountKey(layout: Layout): Promise<void> {
  const privatePath = join(layout.pki, "service-accounts-key.pem");
  const publicPath = join(layout.pki, "service-accounts.pem");
  if ((await ifPresent(stat(privatePath))) !== undefined && (await ifPresent(stat(publicPath))) !== undefined)
    return;
  const made = await createSigningKey();
  await writeFile(privatePath, made.privatePem, { mode: 0o600 });
  await writeFile(publicPath, made.publicPem);
}

/** The key that secrets are stored encrypted with: the same for all API servers, made once, and kept, as what is stored can
 *  be read with nothing else. */
async function secretsKey(layout: Layout): Promise<void> {
  const path = join(layout.pki, "encryption.yaml");
  if ((await ifPresent(stat(path))) !== undefined) return;
  const secret = Buffer.from(randomBytes(systemRandom, 32)).toString("base64");
  const text = `# New keys come first; old ones stay until everything was written anew. Without them secrets are lost.
apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
- resources: [secrets]
  providers:
  - aesgcm:
      keys:
      - name: key1
        secret: ${secret}
  - identity: {}
`;
  // Whole, or not there: a cluster must not start on half a key.
  await writeFile(`${path}.new`, text, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

async function pair(
  layout: Layout,
  name: string,
  signer: Certificate,
  request: CertificateRequest,
): Promise<void> {
  const made = await issueCertificate(signer, request);
  await writeFile(join(layout.pki, `${name}-key.pem`), made.privateKeyPem, { mode: 0o600 });
  await writeFile(join(layout.pki, `${name}.pem`), made.certificatePem);
}

async function kubeconfig(
  layout: Layout,
  path: string,
  user: string,
  signer: Certificate,
  servers: readonly string[],
  organizations: readonly string[] = [],
): Promise<void> {
  const made = await issueCertificate(signer, { commonName: user, organizations, usage: "client" });
  const caPem = await readFile(join(layout.pki, "ca.pem"), "utf8");
  const text = kubeconfigText(
    {
      servers,
      caPem,
      certificatePem: made.certificatePem,
      privateKeyPem: made.privateKeyPem,
      namespace: "default",
    },
    { cluster: "pintle", user },
  );
  await writeFile(path, text, { mode: 0o600 });
}
