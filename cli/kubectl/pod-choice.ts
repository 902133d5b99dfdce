import { selectorFromLabelSelector, selectorText } from "../../base/label-selector.ts";
import { resources } from "../../client/resources.ts";
import type { RestClient } from "../../client/rest.ts";
import type { KubeObject, LabelSelector, Pod } from "../../client/types.ts";
import { OperatorError } from "../command.ts";
import { discover } from "./discovery.ts";
import { parseOne } from "./targets.ts";

/** The pod that is meant by `web-1`, `pod/web-1`, or `deployment/web` (one of its pods, running ones first). */
export async function choosePod(
  client: RestClient,
  words: readonly string[],
  namespace: string,
): Promise<Pod> {
  const [first = ""] = words;
  if (!first.includes("/") && first !== "") return client.get(resources.pods, { name: first, namespace });
  const { resource, name } = parseOne(await discover(client), words, "pod");
  if (resource.kind === "Pod") return client.get(resources.pods, { name, namespace });
  const owner = await client.get<KubeObject>(resource, { name, namespace });
  const labelSelector = podSelector(owner);
  const { items } = await client.list(resources.pods, { namespace, labelSelector });
  const rank = ({ status }: Pod) => (status?.phase === "Running" ? 0 : 1);
  const [pod] = items.sort((a, b) => rank(a) - rank(b));
  if (pod === undefined) throw new OperatorError(`${resource.singular} ${name} has no pods`);
  return pod;
}

/** The label selector of whatever runs pods, as text. */
export function podSelector(owner: KubeObject): string {
  const spec = owner.spec as
    | { readonly selector?: LabelSelector & Readonly<Record<string, unknown>> }
    | undefined;
  const selector = spec?.selector;
  if (selector === undefined) throw new OperatorError(`${owner.kind} ${owner.metadata.name} selects no pods`);
  const isPlain = !("matchLabels" in selector || "matchExpressions" in selector);
  const shape = isPlain ? { matchLabels: selector as Readonly<Record<string, string>> } : selector;
  return selectorText(selectorFromLabelSelector(shape));
}

/** The container that is meant: the named one, the annotated default, or the first. */
export function chooseContainer(pod: Pod, name: string | undefined): string {
  const all = [...(pod.spec.initContainers ?? []), ...pod.spec.containers].map((container) => container.name);
  const wanted =
    name ??
    pod.metadata.annotations?.["kubectl.kubernetes.io/default-container"] ??
    pod.spec.containers[0]?.name;
  if (wanted === undefined || !all.includes(wanted))
    throw new OperatorError(
      `container ${wanted} is not valid for pod ${pod.metadata.name}; it has ${all.join(", ")}`,
    );
  return wanted;
}
