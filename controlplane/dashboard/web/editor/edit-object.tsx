import { type Kind, kindKey } from "../api/discovery.ts";
import type { KubeObject } from "../api/object-feed.ts";
import { go, setParams, to } from "../route.ts";
import { dropDraft, keepDraft } from "./drafts.ts";
import { EditPanel } from "./edit-panel.tsx";
import { newKey } from "./keys.ts";

export interface EditObjectProps {
  readonly kind: Kind;
  readonly namespace: string;
  readonly name: string;
  readonly live: KubeObject | undefined;
  readonly isGone: boolean;
  readonly draftKey: string;
}

/** The editor on an object's page. */
export function EditObject({ kind, namespace, name, live, isGone, draftKey }: EditObjectProps) {
  const href = to(["k", ...kindKey(kind).split("/"), namespace || "_", name], { tab: "yaml", edit: "1" });
  const again = (text: string) => {
    const at = to(["new", ...kindKey(kind).split("/")]);
    keepDraft(newKey(kind), { text, base: undefined }, { what: `New ${kind.kind}`, href: at });
    go(at);
  };
  return (
    <EditPanel
      kind={kind}
      namespace={namespace}
      draftKey={draftKey}
      title={`${kind.kind} ${name}`}
      href={href}
      live={live}
      isGone={isGone}
      onAgain={again}
      onDone={() => {
        dropDraft(draftKey);
        setParams({ edit: "" });
      }}
    />
  );
}
