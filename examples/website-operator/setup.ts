// What an administrator does once: applies manifests.yaml, with where the webhooks are and who signed their certificate.
//   node setup.ts --webhooks https://127.0.0.1:9443 --ca-file ca.crt
// In a cluster the webhooks are a Service's: put `service: { namespace, name, path }` in place of `url`.
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import {
  KubeConfig,
  type KubernetesObject,
  KubernetesObjectApi,
  loadAllYaml,
  PatchStrategy,
} from "@kubernetes/client-node";

const { values: flags } = parseArgs({
  options: {
    webhooks: { type: "string", default: "https://127.0.0.1:9443" },
    "ca-file": { type: "string", default: "ca.crt" },
  },
});
const caBundle = readFileSync(flags["ca-file"]).toString("base64");
const config = new KubeConfig();
config.loadFromDefault();
const client = KubernetesObjectApi.makeApiClient(config);
const manifests = loadAllYaml(readFileSync(new URL("manifests.yaml", import.meta.url), "utf8"));

for (const manifest of manifests as KubernetesObject[]) {
  const located = withWebhooks(manifest) as KubernetesObject;
  await client.patch(located, undefined, undefined, "setup", true, PatchStrategy.ServerSideApply);
  console.log(`${manifest.kind} ${manifest.metadata?.name} is applied`);
}

/** With every `clientConfig` whole: its path becomes a URL, and the authority is named. */
function withWebhooks(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withWebhooks);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) =>
      name === "clientConfig"
        ? [name, { url: `${flags.webhooks}${one.url}`, caBundle }]
        : [name, withWebhooks(one)],
    ),
  );
}
