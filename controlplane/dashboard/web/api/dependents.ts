import type { Deletion, Listed } from "../model/deletion.ts";
import { deletionOf, deletionOfAll, type Propagation } from "../model/deletion.ts";
import { type Kind, kindKey, kindPath, kinds } from "./discovery.ts";
import type { KubeObject } from "./object-feed.ts";
import { allows, rightsIn } from "./rights.ts";
import { callJson, Refusal } from "./session.ts";

/** What was found around an object that is to be deleted. */
export interface Surroundings {
  readonly objects: readonly Listed[];
  /** Kinds that were not looked at, or not to the end, with the reason. */
  readonly gaps: readonly string[];
  /** All that is there goes with it. */
  readonly isWhole: boolean;
}

const accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";
const pageItems = 1_000;
const objectsMost = 20_000;
const atOnceMost = 6;
/** The same objects under other names, and kinds that are made anew by the second and own nothing. */
const passedOver = new Set(["core/events", "events.k8s.io/events", "core/endpoints"]);

interface Page {
  readonly metadata?: { readonly continue?: string };
  readonly items?: readonly { readonly metadata: Listed["metadata"] }[];
}

/** Reads metadata of whatever could belong to an object: of its namespace, or of the whole cluster where it is in none. Rejects
 *  with what `signal` was aborted with. */
export async function surroundingsOf(
  kind: Kind,
  object: KubeObject,
  signal: AbortSignal,
): Promise<Surroundings> {
  const key = kindKey(kind);
  const isNamespace = key === "core/namespaces";
  const ofDefinition =
    key === "apiextensions.k8s.io/customresourcedefinitions" ? definedBy(object) : undefined;
  const namespace = isNamespace ? object.metadata.name : (object.metadata.namespace ?? "");
  const looked = kinds.value.filter(
    (one) =>
      one.verbs.includes("list") &&
      one.verbs.includes("delete") &&
      !passedOver.has(kindKey(one)) &&
      (namespace === "" || one.namespaced) &&
      (key !== "apiextensions.k8s.io/customresourcedefinitions" || kindKey(one) === ofDefinition),
  );
  const rights = rightsIn(namespace);
  const may = ({ group, plural }: Kind) => allows(rights, { verb: "list", group, resource: plural });
  const gaps = looked.filter((one) => !may(one)).map(({ plural }) => `${plural}: you may not list them`);
  const objects: Listed[] = [];
  const open = looked.filter(may);
  const read = async () => {
    for (let one = open.pop(); one !== undefined; one = open.pop())
      try {
        await readAll(one, namespace, signal, objects);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof Refusal)) throw error;
        gaps.push(`${one.plural}: ${error.message}`);
      }
  };
  await Promise.all(Array.from({ length: atOnceMost }, read));
  if (objects.length >= objectsMost) gaps.push(`more than ${objectsMost} objects: the rest was not read`);
  return { objects, gaps: gaps.sort(), isWhole: isNamespace || ofDefinition !== undefined };
}

async function readAll(kind: Kind, namespace: string, signal: AbortSignal, into: Listed[]): Promise<void> {
  const apiVersion = kind.group === "" ? kind.version : `${kind.group}/${kind.version}`;
  for (let next: string | undefined = ""; next !== undefined && into.length < objectsMost; ) {
    const query: string = new URLSearchParams({
      limit: String(pageItems),
      ...(next && { continue: next }),
    }).toString();
    const page: Page = await callJson<Page>(`${kindPath(kind, namespace)}?${query}`, { accept, signal });
    for (const { metadata } of page.items ?? [])
      into.push({ apiVersion, kind: kind.kind, metadata: slim(metadata) });
    next = page.metadata?.continue || undefined;
  }
}

/** What a tree of owners needs; managed fields and annotations are most of an object's metadata. */
const slim = ({
  name,
  namespace,
  uid,
  ownerReferences,
  finalizers,
}: Listed["metadata"]): Listed["metadata"] => ({
  name,
  ...(namespace !== undefined && { namespace }),
  ...(uid !== undefined && { uid }),
  ...(ownerReferences && { ownerReferences }),
  ...(finalizers && { finalizers }),
});

function definedBy({ spec }: KubeObject): string | undefined {
  const { group, names } = (spec ?? {}) as {
    readonly group?: string;
    readonly names?: { readonly plural?: string };
  };
  return group && names?.plural ? `${group}/${names.plural}` : undefined;
}

export const deletionIn = (
  { objects, isWhole }: Surroundings,
  root: Listed,
  policy: Propagation,
): Deletion => (isWhole ? deletionOfAll(root, objects) : deletionOf(root, objects, policy));
