import { systemClock } from "../../base/os/clock.ts";
import { resources } from "../../client/resources.ts";
import type { RestClient } from "../../client/rest.ts";
import type { KubeObject, Ref } from "../../client/types.ts";
import { command, OperatorError } from "../command.ts";
import { eventLines } from "./describe-events.ts";
import { genericPage } from "./describe-generic.ts";
import { nodePage } from "./describe-node.ts";
import { podPage } from "./describe-pod.ts";
import { deploymentPage, servicePage } from "./describe-workload.ts";
import { type DiscoveredResource, discover } from "./discovery.ts";
import { clusterFlags, namespaceOf } from "./flags.ts";
import { type Line, pageText } from "./page.ts";
import { deploymentRevisions } from "./revisions.ts";
import { needKind, parseTargets } from "./targets.ts";

const flags = {
  ...clusterFlags,
  selector: { kind: "string", short: "l", value: "LABELS", help: "only objects with these labels" },
} as const;

export const describeCommand = command({
  name: "describe",
  summary: "show an object with all that belongs to it, and its events",
  usage: "KIND [NAME...] | KIND/NAME...",
  words: ["object"],
  flags,
  examples: ["pintle describe pod web-1", "pintle describe deployment/web", "pintle describe nodes"],
  async run({ flags: given, words }, io) {
    needKind(words);
    const client = io.client(given);
    let described = 0;
    for (const { resource, names } of parseTargets(await discover(client), words)) {
      const namespace = resource.namespaced ? namespaceOf(given, client) : undefined;
      const refs =
        names.length > 0
          ? names.map((name) => ({ name, namespace }))
          : (await client.list<KubeObject>(resource, { namespace, labelSelector: given.selector })).items.map(
              ({ metadata }) => metadata,
            );
      for (const ref of refs) {
        if (described++ > 0) io.stdout("\n\n");
        io.stdout(pageText(await describe(client, resource, ref)));
      }
    }
    if (described === 0) throw new OperatorError("No resources found");
    return 0;
  },
});

export async function describe(
  client: RestClient,
  resource: DiscoveredResource,
  ref: Ref,
): Promise<readonly Line[]> {
  const nowMs = systemClock.wallMs();
  const object = await client.get<KubeObject>(resource, ref);
  return [...(await pageOf(client, object, ref, nowMs)), await eventLines(client, object, nowMs)];
}

async function pageOf(
  client: RestClient,
  object: KubeObject,
  ref: Ref,
  nowMs: number,
): Promise<readonly Line[]> {
  const { namespace, name } = ref;
  switch (`${object.apiVersion} ${object.kind}`) {
    case "v1 Pod":
      return podPage(await client.get(resources.pods, ref));
    case "v1 Node": {
      const pods = await client.list(resources.pods, { fieldSelector: `spec.nodeName=${name}` });
      return nodePage(await client.get(resources.nodes, { name }), pods.items, nowMs);
    }
    case "v1 Service": {
      const labelSelector = `kubernetes.io/service-name=${name}`;
      const slices = await client.list(resources.endpointslices, { namespace, labelSelector });
      return servicePage(await client.get(resources.services, ref), slices.items);
    }
    case "apps/v1 Deployment": {
      const deployment = await client.get(resources.deployments, ref);
      return deploymentPage(deployment, await deploymentRevisions(client, deployment));
    }
    default:
      return genericPage(object);
  }
}
