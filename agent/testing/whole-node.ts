import { strict as assert } from "node:assert";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { issueCertificate } from "../../base/os/pki.ts";
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

/** Asks every 50 ms: there is no other end of a status to wait at from outside. */
export async function until<T>(ask: () => Promise<T>, wanted: (answer: T) => boolean): Promise<T> {
  const giveUpMs = Date.now() + 60_000;
  for (;;) {
    const answer = await ask();
    if (wanted(answer)) return answer;
    if (Date.now() > giveUpMs) assert.fail(`not in time: ${JSON.stringify(answer).slice(0, 3000)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
