import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { toneSigns } from "../../../../client/rules/tone.ts";
import { ClusterFeeds } from "../api/cluster-feeds.ts";
import { type Kind, kindKey, kindNamed, kindOf, kinds, objectPath } from "../api/discovery.ts";
import type { KubeObject } from "../api/object-feed.ts";
import { callJson } from "../api/session.ts";
import { selectorText } from "../model/related.ts";
import { fold, planOf, type TreeNode, treeOf } from "../model/tree.ts";
import { to } from "../route.ts";
import { useRecount } from "./use-recount.ts";

const ownersMost = 5;
const drawnMost = 10;
const drawnMostAtAll = 500;

/** What an object belongs to and what belongs to it, with how each is; from its topmost owner down. */
export function Tree({ kind, object }: { readonly kind: Kind; readonly object: KubeObject }) {
  const top = useSignal<
    { readonly of: string; readonly kind: Kind; readonly object: KubeObject } | undefined
  >(undefined);
  const owners = JSON.stringify(object.metadata.ownerReferences ?? []);
  const uid = object.metadata.uid ?? "";
  useEffect(() => {
    const abort = new AbortController();
    void topOwner(kind, object, abort.signal).then((found) => {
      if (!abort.signal.aborted) top.value = { of: uid, ...found };
    });
    return () => abort.abort();
  }, [uid, owners]);
  const found = top.value;
  if (found === undefined || found.of !== uid) return null;
  // The page's own object is newer than what was read once.
  const root = found.object.metadata.uid === uid ? object : found.object;
  return <Grown key={`${found.object.metadata.uid}`} kind={found.kind} root={root} here={object} />;
}

async function topOwner(kind: Kind, object: KubeObject, signal: AbortSignal) {
  let at = { kind, object };
  for (let steps = 0; steps < ownersMost; steps++) {
    const { namespace, ownerReferences = [] } = at.object.metadata;
    const owner = ownerReferences.find(({ controller }) => controller) ?? ownerReferences[0];
    const ownerKind = owner && kindNamed(owner.apiVersion, owner.kind);
    // A pod of the node itself is no part of it as a tree.
    if (owner === undefined || ownerKind === undefined || owner.kind === "Node") return at;
    try {
      const path = objectPath(ownerKind, owner.name, ownerKind.namespaced ? namespace : undefined);
      const found = await callJson<KubeObject>(path, { signal });
      if (found.metadata.uid !== owner.uid) return at;
      at = { kind: ownerKind, object: found };
    } catch {
      // It is gone, or not for this person to see.
      return at;
    }
  }
  return at;
}

function Grown({
  kind,
  root,
  here,
}: {
  readonly kind: Kind;
  readonly root: KubeObject;
  readonly here: KubeObject;
}) {
  const namespace = root.metadata.namespace ?? here.metadata.namespace ?? "";
  const feeds = useMemo(() => new ClusterFeeds(namespace), [namespace]);
  useEffect(() => () => feeds.stop(), [feeds]);
  const key = kindKey(kind);
  const selector = selectorOf(key, root);
  const sources = useMemo(() => {
    const isForeign = kind.group.includes(".") && !kind.group.endsWith(".k8s.io");
    const sameGroup = isForeign
      ? kinds.value.filter(({ group, verbs }) => group === kind.group && verbs.includes("watch")).map(kindKey)
      : [];
    const plan = planOf(key, { selector, name: root.metadata.name, sameGroup: isForeign ? sameGroup : [] });
    return plan.flatMap(({ kind: of, query }) => {
      const one = kindOf(of);
      return one === undefined ? [] : (feeds.of(one, query) ?? []);
    });
  }, [feeds, key, selector]);
  const tree = useRecount(
    sources,
    () => treeOf(root, [...sources.flatMap((one) => one.objects()), here], here.metadata.uid ?? ""),
    { also: [root, here] },
  );
  const refused = sources.filter(({ state }) => state.value.is === "refused").length;
  if (tree.children.length === 0) return null;
  return (
    <section>
      <h2>What belongs together</h2>
      <ul class="tree">
        <Branch of={tree} />
      </ul>
      {refused > 0 && <p class="quiet">There may be more that is not for you to see.</p>}
    </section>
  );
}

function selectorOf(key: string, { spec }: KubeObject): string {
  if (key === "core/services")
    return selectorText({ matchLabels: (spec?.selector ?? {}) as Readonly<Record<string, string>> });
  return key === "batch/cronjobs" ? "" : selectorText(spec?.selector as Parameters<typeof selectorText>[0]);
}

function Branch({ of }: { readonly of: TreeNode }) {
  const most = useSignal(drawnMost);
  const { kind, apiVersion, name, namespace, health, isHere, children } = of;
  const { shown, rest } = fold(children, most.value);
  const found = kindNamed(apiVersion, kind);
  const text = `${kind} ${name}`;
  return (
    <li>
      <div class="tree-line">
        <span class={`tone-${health.tone}`} aria-hidden="true">
          {toneSigns[health.tone]}
        </span>
        {isHere ? (
          <strong aria-current="true">{text}</strong>
        ) : found === undefined ? (
          <span>{text}</span>
        ) : (
          <a href={to(["k", ...kindKey(found).split("/"), found.namespaced ? namespace : "_", name])}>
            {text}
          </a>
        )}
        <span class={`tone-${health.tone}`}>{health.word}</span>
      </div>
      {shown.length > 0 && (
        <ul>
          {shown.map((child) => (
            <Branch key={child.uid} of={child} />
          ))}
          {rest.length > 0 && (
            <li class="tree-line">
              <button
                type="button"
                onClick={() => (most.value = drawnMostAtAll)}
                disabled={most.value === drawnMostAtAll}
              >
                and {rest.map(({ kind: of, word, count }) => `${count} more ${of}: ${word}`).join(", ")}
              </button>
            </li>
          )}
        </ul>
      )}
    </li>
  );
}
