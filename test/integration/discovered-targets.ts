import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { must } from "../../base/assert.ts";
import { resources } from "../../client/resources.ts";
import type { RestClient } from "../../client/rest.ts";

/** What stands in examples/prometheus/prometheus.yaml, as far as it is rewritten here. */
interface ScrapeJob {
  readonly job_name: string;
  readonly kubernetes_sd_configs?: readonly {
    readonly role: string;
    readonly namespaces?: { readonly names: readonly string[] };
  }[];
  readonly [other: string]: unknown;
}

interface TargetGroup {
  readonly targets: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

/** Debian's Prometheus is built without its Kubernetes discovery. This finds the same targets with the same labels, as
 *  https://prometheus.io/docs/prometheus/latest/configuration/configuration/#kubernetes_sd_config has them, and hands them over in
 *  files, so that the example's own rules choose among them and name them. */
export async function discover(
  role: string,
  namespaces: readonly string[] | undefined,
  client: RestClient,
): Promise<readonly TargetGroup[]> {
  const isWanted = (namespace = "") => namespaces === undefined || namespaces.includes(namespace);
  if (role === "node")
    return (await client.list(resources.nodes)).items.map(({ metadata, status }) => {
      const address = status?.addresses?.find(({ type }) => type === "InternalIP")?.address;
      return {
        targets: [`${address}:${status?.daemonEndpoints?.kubeletEndpoint?.Port}`],
        labels: { instance: metadata.name, __meta_kubernetes_node_name: metadata.name },
      };
    });
  if (role === "endpointslice") {
    const slices = (await client.list(resources.endpointslices)).items;
    return slices.flatMap(({ metadata, endpoints, ports }) =>
      !isWanted(metadata.namespace)
        ? []
        : (ports ?? []).flatMap(({ name = "", port }) =>
            (endpoints ?? []).flatMap(({ addresses }) =>
              addresses.map((address) => ({
                targets: [`${address}:${port}`],
                labels: {
                  __meta_kubernetes_namespace: metadata.namespace ?? "",
                  __meta_kubernetes_service_name: metadata.labels?.["kubernetes.io/service-name"] ?? "",
                  __meta_kubernetes_endpointslice_port_name: name,
                },
              })),
            ),
          ),
    );
  }
  if (role === "pod")
    return (await client.list(resources.pods)).items.map(({ metadata, status }) => ({
      targets: [status?.podIP ?? "none"],
      labels: {
        __meta_kubernetes_namespace: metadata.namespace ?? "",
        __meta_kubernetes_pod_name: metadata.name,
        __meta_kubernetes_pod_ip: status?.podIP ?? "",
        ...Object.fromEntries(
          Object.entries(metadata.annotations ?? {}).map(([name, value]) => [
            `__meta_kubernetes_pod_annotation_${name.replace(/[^a-zA-Z0-9_]/g, "_")}`,
            value,
          ]),
        ),
      },
    }));
  throw new Error(`the example discovers by role ${role}: find its targets here, too`);
}

/** The example's configuration for Debian's Prometheus, its files in `folder`. */
export async function exampleConfig(
  example: string,
  folder: string,
  { client, token, caPem }: { readonly client: RestClient; readonly token: string; readonly caPem: string },
): Promise<{ readonly scrape_configs: readonly object[] }> {
  const text = await readFile(join(example, "prometheus.yaml"), "utf8");
  await writeFile(join(folder, "token"), token, { mode: 0o600 });
  await writeFile(join(folder, "ca.crt"), caPem);
  const local = text.replaceAll("/var/run/secrets/kubernetes.io/serviceaccount", folder);
  const { scrape_configs: jobs } = parse(local) as { readonly scrape_configs: readonly ScrapeJob[] };
  const rewritten = jobs.map(async ({ kubernetes_sd_configs: found, ...job }) => {
    const [by] = must(found, `discovery of ${job.job_name}`);
    const { role, namespaces } = must(by, `discovery of ${job.job_name}`);
    const file = join(folder, `${job.job_name}.json`);
    await writeFile(file, JSON.stringify(await discover(role, namespaces?.names, client)));
    return { ...job, file_sd_configs: [{ files: [file] }] };
  });
  return { scrape_configs: await Promise.all(rewritten) };
}
