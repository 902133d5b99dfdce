import { strict as assert } from "node:assert";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { issueCertificate } from "../../base/os/pki.ts";
import { loadKubeconfig } from "../../client/kubeconfig.ts";
import { resources } from "../../client/resources.ts";
import { RestClient } from "../../client/rest.ts";
import type { TestApiserver } from "../../controlplane/apiserver/testing.ts";

/** Writes what a node shows and trusts to `dir`, with a node's rights at this API server; answers the agent's flags for it. */
export async function nodeIdentity(
  api: TestApiserver,
  dir: string,
  { nodeName = "n1", address = "127.0.0.1" } = {},
): Promise<string[]> {
  const user = `system:node:${nodeName}`;
  const serving = await issueCertificate(api.authority, {
    commonName: user,
    addresses: [address],
    usage: "server",
  });
  await writeFile(join(dir, "cert"), serving.certificatePem);
  await writeFile(join(dir, "key"), serving.privateKeyPem);
  await writeFile(join(dir, "ca"), api.authority.certificatePem);
  return [
    `--node-name=${nodeName}`,
    `--kubeconfig=${await api.kubeconfigFor(user, ["system:nodes"])}`,
    `--root-dir=${dir}/root`,
    `--tls-cert-file=${dir}/cert`,
    `--tls-private-key-file=${dir}/key`,
    `--client-ca-file=${dir}/ca`,
  ];
}

/** A cluster's administrator, who has made the namespaces that a node needs. */
export async function openAdministrator(api: TestApiserver): Promise<RestClient> {
  const client = new RestClient(loadKubeconfig(api.kubeconfig));
  for (const name of ["default", "kube-node-lease"])
    await client
      .create(resources.namespaces, { metadata: { name }, spec: {} })
      .catch((error: unknown) => assert.match(String(error), /already exists/));
  return client;
}

export const until = <T>(ask: () => Promise<T>, wanted: (answer: T) => boolean): Promise<T> =>
  untilFound(ask, (answer) => (wanted(answer) ? { answer } : undefined)).then(({ answer }) => answer);

/** Asks every 50 ms: there is no other end of a status to wait at from outside. Resolves with what is found in an answer. */
export async function untilFound<T, R>(
  ask: () => Promise<T>,
  find: (answer: T) => R | undefined,
): Promise<R> {
  const giveUpMs = Date.now() + 60_000;
  for (;;) {
    const answer = await ask();
    const found = find(answer);
    if (found !== undefined) return found;
    if (Date.now() > giveUpMs) assert.fail(`not in time: ${JSON.stringify(answer).slice(0, 3000)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
