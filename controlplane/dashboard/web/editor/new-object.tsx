import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { type Kind, kindKey, kindNamed } from "../api/discovery.ts";
import type { KubeObject } from "../api/object-feed.ts";
import { schemaOf } from "../api/schemas.ts";
import { skeletonOf } from "../model/completions.ts";
import type { SchemaNode } from "../model/schema.ts";
import { yamlText } from "../model/yaml-text.ts";
import { go, namespace, to } from "../route.ts";
import { EditPanel } from "./edit-panel.tsx";
import { newKey } from "./keys.ts";

/** The editor of an object that is to be made. The text says what it is: of this kind at first, of any in the end. */
export function NewObject({ kind }: { readonly kind: Kind }) {
  const skeleton = useSignal<string | undefined>(undefined);
  const inNamespace = kind.namespaced ? namespace.value || "default" : "";
  useEffect(() => {
    const apiVersion = kind.group === "" ? kind.version : `${kind.group}/${kind.version}`;
    const begin = (schema: SchemaNode | undefined) => {
      const of = { apiVersion, kind: kind.kind, ...(inNamespace && { namespace: inNamespace }) };
      skeleton.value = yamlText(skeletonOf(of, schema));
    };
    // Without a schema one begins with the head alone; the editor says why.
    schemaOf(kind).then(begin, () => begin(undefined));
  }, [kind]);
  if (skeleton.value === undefined) return <div class="late" aria-busy="true" />;
  return (
    <EditPanel
      kind={kind}
      namespace={inNamespace}
      draftKey={newKey(kind)}
      title={`New ${kind.kind}`}
      href={to(["new", ...kindKey(kind).split("/")])}
      live={undefined}
      skeleton={skeleton.value}
      kindOfText={kindOfText}
      onDone={(made) => go(made === undefined ? to(["k", ...kindKey(kind).split("/")]) : pageOf(made))}
    />
  );
}

function kindOfText({ apiVersion, kind }: KubeObject): Kind | string {
  if (typeof apiVersion !== "string" || typeof kind !== "string" || apiVersion === "" || kind === "")
    return "apiVersion and kind say what it is to be";
  const found = kindNamed(apiVersion, kind);
  if (found === undefined) return `The cluster serves no ${kind} of ${apiVersion}`;
  const version = apiVersion.slice(apiVersion.indexOf("/") + 1);
  return found.version === version ? found : { ...found, version };
}

function pageOf({ apiVersion = "", kind = "", metadata }: KubeObject): string {
  const found = kindNamed(apiVersion, kind);
  return found === undefined
    ? to([])
    : to(["k", ...kindKey(found).split("/"), metadata.namespace ?? "_", metadata.name]);
}
