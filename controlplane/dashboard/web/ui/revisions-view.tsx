import { useSignal } from "@preact/signals";
import { useMemo, useRef } from "preact/hooks";
import {
  controllerRevisions,
  isCurrent,
  type Revision,
  type Rolling,
  replicaSetRevisions,
  rollbackTo,
} from "../../../../client/rules/rollout-revisions.ts";
import type { ControllerRevision, ReplicaSet } from "../../../../client/types.ts";
import { type Kind, objectPath } from "../api/discovery.ts";
import type { KubeObject } from "../api/object-feed.ts";
import { allows, rightsIn } from "../api/rights.ts";
import { call, fieldManager, Refusal } from "../api/session.ts";
import { selectorText } from "../model/related.ts";
import { yamlText } from "../model/yaml-text.ts";
import { DiffView } from "./diff-view.tsx";
import { PlainTable } from "./plain-table.tsx";
import { Age } from "./table.tsx";
import { useObjects } from "./use-feed.ts";

const contentTypes = {
  json: "application/json-patch+json",
  strategic: "application/strategic-merge-patch+json",
  merge: "application/merge-patch+json",
} as const;

/** What a workload has run: what differs between two of its revisions, and the way back to one. */
export function RevisionsView({ kind, object }: { readonly kind: Kind; readonly object: KubeObject }) {
  const { namespace = "", name, uid } = object.metadata;
  const isDeployment = kind.kind === "Deployment";
  const path = `/apis/apps/v1/namespaces/${encodeURIComponent(namespace)}/${isDeployment ? "replicasets" : "controllerrevisions"}`;
  const labelSelector = selectorText(object.spec?.selector as Parameters<typeof selectorText>[0]);
  const feed = useObjects(path, { labelSelector });
  const version = feed.version.value;
  const owner = object as unknown as Rolling;
  const revisions = useMemo((): readonly Revision[] => {
    const items: unknown = [...feed.items.values()];
    return isDeployment
      ? replicaSetRevisions(uid, items as ReplicaSet[])
      : controllerRevisions(uid, items as ControllerRevision[]);
  }, [version, uid]);
  const chosen = useSignal<{ readonly from: number; readonly to: number }>({ from: -1, to: now });
  const numbers = [now, ...revisions.map(({ number }) => number)];
  const from = numbers.includes(chosen.value.from) ? chosen.value.from : (numbers.at(-2) ?? now);
  const textOf = (number: number) =>
    yamlText(revisions.find((one) => one.number === number)?.template ?? owner.spec.template);
  const may = allows(rightsIn(namespace), { verb: "patch", group: "apps", resource: kind.plural, name });
  const isPaused = owner.spec.paused === true;
  const why = useSignal("");
  const patch = async (body: unknown, contentType: string) => {
    try {
      await call(`${objectPath(kind, name, namespace)}?fieldManager=${fieldManager}`, {
        method: "PATCH",
        contentType,
        body,
      });
      why.value = "";
    } catch (error) {
      why.value = error instanceof Refusal ? error.message : String(error);
    }
  };
  const cannotText = may ? undefined : `You may not patch ${kind.plural} here`;
  const state = feed.state.value;
  return (
    <section class="revisions">
      {isDeployment && (
        <div class="tools tools-left">
          <button
            type="button"
            disabled={!may}
            title={cannotText}
            onClick={() => void patch({ spec: { paused: isPaused ? null : true } }, contentTypes.merge)}
          >
            {isPaused ? "Resume rollout" : "Pause rollout"}
          </button>
          {isPaused && (
            <span class="tone-warn">
              <span aria-hidden="true">▲ </span>paused: changes are not rolled out
            </span>
          )}
        </div>
      )}
      {why.value && (
        <p class="banner banner-bad" role="alert">
          {why.value}
        </p>
      )}
      {(state.is === "refused" || state.is === "stale") && (
        <p class="banner banner-warn" role="status">
          {state.why}
        </p>
      )}
      <PlainTable heads={["Revision", "Age", "Images", "Way back", "Cause"]}>
        {revisions.toReversed().map((revision) => (
          <tr key={revision.keeper.metadata.uid}>
            <td>
              {revision.number}
              {isCurrent(owner, revision) && <strong class="tone-good"> ● now</strong>}
            </td>
            <td>
              <Age of={revision.keeper.metadata.creationTimestamp} />
            </td>
            <td class="mono">{imagesOf(revision).join(", ")}</td>
            <td>
              <RollBack
                owner={owner}
                revisions={revisions}
                revision={revision}
                cannot={cannotText}
                textOf={textOf}
                onBack={patch}
              />
            </td>
            <td class="quiet">{revision.cause ?? ""}</td>
          </tr>
        ))}
      </PlainTable>
      {revisions.length > 0 && (
        <>
          <div class="tools tools-left">
            <h2>Pod template</h2>
            <Pick
              label="From"
              value={from}
              revisions={revisions}
              onPick={(number) => (chosen.value = { ...chosen.value, from: number })}
            />
            <Pick
              label="To"
              value={chosen.value.to}
              revisions={revisions}
              onPick={(number) => (chosen.value = { from, to: number })}
            />
          </div>
          <DiffView from={textOf(from)} to={textOf(chosen.value.to)} label="What differs" />
        </>
      )}
    </section>
  );
}

/** The template as it is now, which no revision needs to keep yet. */
const now = 0;

function Pick({
  label,
  value,
  revisions,
  onPick,
}: {
  readonly label: string;
  readonly value: number;
  readonly revisions: readonly Revision[];
  onPick(number: number): void;
}) {
  return (
    <label class="check">
      {label}
      <select value={String(value)} onChange={(event) => onPick(Number(event.currentTarget.value))}>
        <option value={String(now)}>now</option>
        {revisions.toReversed().map(({ number }) => (
          <option key={number} value={String(number)}>
            revision {number}
          </option>
        ))}
      </select>
    </label>
  );
}

function RollBack({
  owner,
  revisions,
  revision,
  cannot,
  textOf,
  onBack,
}: {
  readonly owner: Rolling;
  readonly revisions: readonly Revision[];
  readonly revision: Revision;
  readonly cannot: string | undefined;
  textOf(number: number): string;
  onBack(patch: unknown, contentType: string): Promise<void>;
}) {
  const box = useRef<HTMLDialogElement>(null);
  const isOpen = useSignal(false);
  const rollback = rollbackTo(owner, revisions, revision.number);
  if (isCurrent(owner, revision)) return null;
  const why = cannot ?? (rollback.is === "refused" ? rollback.why : undefined);
  const label = `Roll back to ${revision.number}`;
  return (
    <>
      <button
        type="button"
        disabled={why !== undefined}
        title={why}
        onClick={() => {
          isOpen.value = true;
          box.current?.showModal();
        }}
      >
        {label}
      </button>
      <dialog class="ask ask-wide" ref={box} aria-label={label} onClose={() => (isOpen.value = false)}>
        {isOpen.value && rollback.is === "patch" && (
          <>
            <h2>
              Roll {owner.metadata.name} back to revision {revision.number}?
            </h2>
            <p>Its pods are replaced by ones of that template, a few at a time:</p>
            <DiffView from={textOf(now)} to={textOf(revision.number)} label="What would change" />
            <div class="ask-buttons">
              <button type="button" onClick={() => box.current?.close()}>
                Cancel
              </button>
              <button
                type="button"
                class="primary"
                onClick={() => {
                  box.current?.close();
                  void onBack(rollback.patch, contentTypes[rollback.type]);
                }}
              >
                Roll back
              </button>
            </div>
          </>
        )}
      </dialog>
    </>
  );
}

const imagesOf = ({ template: { spec } }: Revision): readonly string[] =>
  [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].map(({ image = "" }) => image);
