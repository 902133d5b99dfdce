import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { type Kind, objectPath } from "../api/discovery.ts";
import type { KubeObject } from "../api/object-feed.ts";
import { allows, rightsIn } from "../api/rights.ts";
import { call, fieldManager, Refusal } from "../api/session.ts";
import { DeleteButton } from "./delete-button.tsx";

interface ActionProps {
  readonly kind: Kind;
  readonly object: KubeObject;
}

/** A deed on an object. What the person may not do is shown grey, with the reason. */
interface Deed {
  readonly label: string;
  readonly verb: "patch";
  readonly subresource?: string;
  /** What is asked before it is done. */
  readonly question: string;
  readonly asksReplicas?: boolean;
  act(given: { readonly replicas: number }): Promise<unknown>;
}

const mergePatch = "application/merge-patch+json";
const restartable = new Set(["Deployment", "StatefulSet", "DaemonSet"]);

export function Actions({ kind, object }: ActionProps) {
  const rights = rightsIn(object.metadata.namespace ?? "");
  return (
    <div class="tools">
      {deedsFor(kind, object).map((deed) => {
        const resource = deed.subresource ? `${kind.plural}/${deed.subresource}` : kind.plural;
        const { group } = kind;
        const may = allows(rights, { verb: deed.verb, group, resource, name: object.metadata.name });
        return <DeedButton key={deed.label} deed={deed} may={may} what={`${deed.verb} ${resource}`} />;
      })}
      <DeleteButton kind={kind} object={object} />
    </div>
  );
}

function deedsFor(kind: Kind, object: KubeObject): readonly Deed[] {
  const { name, namespace } = object.metadata;
  const path = objectPath(kind, name, namespace);
  const deeds: Deed[] = [];
  const patch = (body: unknown, at = path) =>
    call(`${at}?fieldManager=${fieldManager}`, { method: "PATCH", contentType: mergePatch, body });
  if (kind.subresources.includes("scale"))
    deeds.push({
      label: "Scale",
      verb: "patch",
      subresource: "scale",
      question: `How many replicas is ${name} to have? It has ${Number(object.spec?.replicas ?? 1)}.`,
      asksReplicas: true,
      act: ({ replicas }) => patch({ spec: { replicas } }, `${path}/scale`),
    });
  if (kind.group === "apps" && restartable.has(kind.kind)) {
    const annotations = { "kubectl.kubernetes.io/restartedAt": new Date().toISOString() };
    deeds.push({
      label: "Restart",
      verb: "patch",
      question: `Replace all pods of ${name}, a few at a time?`,
      act: () => patch({ spec: { template: { metadata: { annotations } } } }),
    });
  }
  if (kind.group === "" && kind.kind === "Node") {
    const isCordoned = object.spec?.unschedulable === true;
    deeds.push({
      label: isCordoned ? "Uncordon" : "Cordon",
      verb: "patch",
      question: isCordoned
        ? `May new pods come to ${name} again?`
        : `Let no new pods come to ${name}? Those that are there stay.`,
      act: () => patch({ spec: { unschedulable: isCordoned ? null : true } }),
    });
  }
  return deeds;
}

function DeedButton({
  deed,
  may,
  what,
}: {
  readonly deed: Deed;
  readonly may: boolean;
  readonly what: string;
}) {
  const box = useRef<HTMLDialogElement>(null);
  const why = useSignal("");
  const isBusy = useSignal(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const replicas = Number(new FormData(event.currentTarget as HTMLFormElement).get("replicas"));
    isBusy.value = true;
    try {
      await deed.act({ replicas });
      why.value = "";
      box.current?.close();
    } catch (error) {
      why.value = error instanceof Refusal ? error.message : String(error);
    }
    isBusy.value = false;
  };
  return (
    <>
      <button
        type="button"
        disabled={!may}
        title={may ? undefined : `You may not ${what} here`}
        onClick={() => {
          why.value = "";
          box.current?.showModal();
        }}
      >
        {deed.label}
      </button>
      <dialog class="ask" ref={box} aria-label={deed.label}>
        <form onSubmit={(event) => void submit(event)}>
          <p>{deed.question}</p>
          {deed.asksReplicas && (
            <input name="replicas" type="number" min="0" max="100000" required aria-label="Replicas" />
          )}
          {why.value && (
            <p role="alert" class="banner banner-bad">
              {why.value}
            </p>
          )}
          <div class="ask-buttons">
            <button type="button" onClick={() => box.current?.close()}>
              Cancel
            </button>
            <button type="submit" class="primary" disabled={isBusy.value}>
              {deed.label}
            </button>
          </div>
        </form>
      </dialog>
    </>
  );
}
