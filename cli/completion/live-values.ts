import { contextNames } from "../../client/kubeconfig.ts";
import { resourcePath } from "../../client/paths.ts";
import { resources } from "../../client/resources.ts";
import type { RestClient } from "../../client/rest.ts";
import { bootstrapTokens } from "../../client/rules/bootstrap-token.ts";
import type { Resource } from "../../client/types.ts";
import type { CommandIo } from "../command.ts";
import { type DiscoveredResource, discover, findResource } from "../kubectl/discovery.ts";
import { namespaceOf } from "../kubectl/flags.ts";
import { readClusterState } from "../up/cluster-state.ts";
import { clusterLayout, defaultFolder } from "../up/layout.ts";
import type { LiveSource } from "./complete.ts";
import { beginning, type Offer, words } from "./offer.ts";

export interface LiveDeps extends Pick<CommandIo, "client" | "env"> {
  readonly kubeconfig: string | undefined;
  readonly signal: AbortSignal;
}

/** What there is now, as far as it begins as the word does. */
export async function liveValues(source: LiveSource, deps: LiveDeps): Promise<Offer> {
  const { kind, typed, flags } = source;
  if (kind === "context")
    return beginning(
      words(contextNames(flags.get("kubeconfig") ?? deps.kubeconfig, { env: deps.env })),
      typed,
    );
  if (kind === "component") return beginning(words(componentNames(flags.get("data-dir"), deps)), typed);
  const client = deps.client({ kubeconfig: flags.get("kubeconfig"), context: flags.get("context") });
  try {
    const asked: Asked = {
      client,
      signal: deps.signal,
      namespace: namespaceOf({ namespace: flags.get("namespace") }, client),
    };
    if (kind === "namespace") return words(await namesOf(asked, resources.namespaces, typed));
    if (kind === "node") return words(await namesOf(asked, resources.nodes, typed));
    if (kind === "token") return words(await tokenIds(asked, typed));
    if (kind === "container") return beginning(words(await containersOf(asked, source.words)), typed);
    return await objectWords(asked, source);
  } finally {
    client.close();
  }
}

interface Asked {
  readonly client: RestClient;
  readonly signal: AbortSignal;
  readonly namespace: string;
}

function componentNames(folder: string | undefined, { env }: LiveDeps): readonly string[] {
  const state = readClusterState(clusterLayout(defaultFolder(folder, env)));
  if (state === undefined) return [];
  const leaders = ["store", "scheduler", "controller-manager"].map((kind) => `${kind}-leader`);
  return [...leaders, ...state.components.map(({ name }) => name)];
}

/** `pods web`, or `pod/web`; where a pod goes without saying, `web`. */
async function objectWords(asked: Asked, { kind, typed, words: before }: LiveSource): Promise<Offer> {
  const slash = typed.indexOf("/");
  const [first] = before;
  const wholeKinds = () => discover(asked.client, { signal: asked.signal });
  if (slash >= 0) {
    const prefix = typed.slice(0, slash + 1);
    const resource = findResource(await wholeKinds(), typed.slice(0, slash));
    const names = await namesOf(asked, resource, typed.slice(slash + 1));
    return words(names.map((name) => prefix + name));
  }
  if (kind === "pod") return words(await namesOf(asked, resources.pods, typed));
  const named = first === "status" || first === "history" || first === "undo" || first === "restart";
  const kindWord = named ? before[1] : first;
  if (kindWord === undefined || kindWord.includes("/")) return kindWords(await wholeKinds(), typed);
  return words(await namesOf(asked, findResource(await wholeKinds(), kindWord), typed));
}

function kindWords(all: readonly DiscoveredResource[], typed: string): Offer {
  const candidates = all.flatMap(({ plural, group, kind, shortNames }) => {
    const note = `${kind}${group === "" ? "" : ` (${group})`}`;
    return [plural, ...shortNames].map((word) => ({ word, note }));
  });
  const first = new Map(candidates.toReversed().map((one) => [one.word, one]));
  return beginning({ candidates: [...first.values()].toReversed() }, typed);
}

interface MetadataList {
  readonly metadata?: { readonly continue?: string };
  readonly items: readonly { readonly metadata: { readonly name: string } }[];
}

const pageObjects = 500;
const namesMost = 500;

/** Names alone are fetched, a page at a time. */
async function namesOf(
  { client, signal, namespace }: Asked,
  resource: Resource<unknown>,
  typed: string,
  select: Readonly<Record<string, string>> = {},
): Promise<readonly string[]> {
  const path = resourcePath(resource, resource.namespaced ? { namespace } : {});
  const accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";
  const found: string[] = [];
  let token: string | undefined;
  do {
    const query = { ...select, limit: pageObjects, continue: token };
    const text = await client.raw("GET", path, undefined, { accept, query, signal });
    const { items, metadata } = JSON.parse(text) as MetadataList;
    found.push(...items.map((one) => one.metadata.name).filter((name) => name.startsWith(typed)));
    token = metadata?.continue || undefined;
  } while (token !== undefined && found.length < namesMost);
  return found.sort();
}

async function tokenIds(asked: Asked, typed: string): Promise<readonly string[]> {
  const { namespace, namePrefix, secretType } = bootstrapTokens;
  const select = { fieldSelector: `type=${secretType}` };
  const names = await namesOf({ ...asked, namespace }, resources.secrets, namePrefix + typed, select);
  return names.map((name) => name.slice(namePrefix.length));
}

/** Of the pod that the command's words name. */
async function containersOf({ client, signal, namespace }: Asked, [word = ""]: readonly string[]) {
  const name = word.replace(/^(pods?|po)\//, "");
  if (name === "" || name.includes("/")) return [];
  const { spec } = await client.get(resources.pods, { name, namespace }, { signal });
  return [...(spec.initContainers ?? []), ...spec.containers].map((container) => container.name);
}
