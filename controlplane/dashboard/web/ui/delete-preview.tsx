import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { deletionIn, type Surroundings, surroundingsOf } from "../api/dependents.ts";
import { type Kind, kindKey, objectPath } from "../api/discovery.ts";
import type { KubeObject } from "../api/object-feed.ts";
import { call, Refusal } from "../api/session.ts";
import { countText, type Deletion, type Dependent, type Propagation } from "../model/deletion.ts";

interface PreviewProps {
  readonly kind: Kind;
  readonly object: KubeObject;
  onClose(): void;
}

const policies: readonly (readonly [Propagation, string])[] = [
  ["Background", "Delete it now, and what it owns after it"],
  ["Foreground", "Delete what it owns first, and it when that is gone"],
  ["Orphan", "Delete it alone: what it owns stays, without an owner"],
];

/** What goes with an object, before it is deleted. */
export function DeletePreview({ kind, object, onClose }: PreviewProps) {
  const { name, namespace, uid } = object.metadata;
  const policy = useSignal<Propagation>("Background");
  const around = useSignal<Surroundings | undefined>(undefined);
  const typed = useSignal("");
  const why = useSignal("");
  const isBusy = useSignal(false);
  const isNamespace = kindKey(kind) === "core/namespaces";
  useEffect(() => {
    const ended = new AbortController();
    surroundingsOf(kind, object, ended.signal).then(
      (found) => (around.value = found),
      (error) => {
        if (!ended.signal.aborted) around.value = { objects: [], gaps: [String(error)], isWhole: false };
      },
    );
    return () => ended.abort();
  }, [uid]);
  const root = useMemo(
    () => ({ apiVersion: object.apiVersion ?? "", kind: kind.kind, metadata: object.metadata }),
    [uid],
  );
  const deletion = around.value && deletionIn(around.value, root, policy.value);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    isBusy.value = true;
    try {
      // One that was made anew under this name since is left alone.
      const options = { propagationPolicy: policy.value, preconditions: { uid } };
      const body = { apiVersion: "v1", kind: "DeleteOptions", ...options };
      await call(objectPath(kind, name, namespace), { method: "DELETE", body });
      onClose();
    } catch (error) {
      why.value = error instanceof Refusal ? error.message : String(error);
    }
    isBusy.value = false;
  };
  const maker = object.metadata.ownerReferences?.find((owner) => owner.controller);
  return (
    <form onSubmit={(event) => void submit(event)}>
      <h2>
        Delete {kind.kind} {name}?
      </h2>
      {maker && (
        <p class="quiet">
          It belongs to {maker.kind} {maker.name}, which may make another.
        </p>
      )}
      {!around.value?.isWhole && !isNamespace && (
        <fieldset class="policies">
          <legend class="unseen">What becomes of what it owns</legend>
          {policies.map(([one, text]) => (
            <label key={one} class="check">
              <input
                type="radio"
                name="policy"
                checked={policy.value === one}
                onChange={() => (policy.value = one)}
              />
              {text}
            </label>
          ))}
        </fieldset>
      )}
      <div class="preview" aria-busy={deletion === undefined}>
        {deletion === undefined || around.value === undefined ? (
          <p class="quiet" role="status">
            Looking for what belongs to it…
          </p>
        ) : (
          <Found deletion={deletion} around={around.value} isNamespace={isNamespace} />
        )}
      </div>
      {isNamespace && (
        <label class="confirm">
          To delete all of it, write the namespace's name:
          <input
            value={typed.value}
            autocomplete="off"
            onInput={(event) => (typed.value = event.currentTarget.value)}
          />
        </label>
      )}
      {why.value && (
        <p role="alert" class="banner banner-bad">
          {why.value}
        </p>
      )}
      <div class="ask-buttons">
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <button
          type="submit"
          class="danger"
          disabled={isBusy.value || deletion === undefined || (isNamespace && typed.value !== name)}
        >
          Delete
        </button>
      </div>
    </form>
  );
}

function Found({
  deletion: { dependents, counts, held },
  around,
  isNamespace,
}: {
  readonly deletion: Deletion;
  readonly around: Surroundings;
  readonly isNamespace: boolean;
}) {
  const left = { count: rowsMost };
  return (
    <>
      <p role="status">
        {counts.length === 0
          ? isNamespace
            ? "Nothing is in it."
            : "Nothing else goes with it."
          : `With it ${counts.reduce((sum, [, count]) => sum + count, 0) === 1 ? "goes" : "go"} ${counts.map(countText).join(", ")}.`}
      </p>
      {dependents.length > 0 && (
        <ul class="goes" aria-label="What belongs to it">
          {dependents.map((one) => (
            <Branch key={one.object.metadata.uid} dependent={one} left={left} />
          ))}
        </ul>
      )}
      {held.length > 0 && (
        <div class="banner banner-warn">
          <p>Finalizers hold these until whoever set them takes them away:</p>
          <ul class="goes">
            {held.slice(0, heldMost).map(({ object, finalizers }) => (
              <li key={object.metadata.uid}>
                {object.kind} {object.metadata.name}: <span class="mono">{finalizers.join(", ")}</span>
              </li>
            ))}
            {held.length > heldMost && <li>and {held.length - heldMost} more</li>}
          </ul>
        </div>
      )}
      {around.gaps.length > 0 && (
        <details class="banner banner-warn">
          <summary>Not all could be looked at: {around.gaps.length} kinds</summary>
          {around.gaps.slice(0, gapsMost).map((gap) => (
            <p key={gap}>{gap}</p>
          ))}
        </details>
      )}
    </>
  );
}

const rowsMost = 300;
const heldMost = 20;
const gapsMost = 50;

function Branch({ dependent, left }: { readonly dependent: Dependent; readonly left: { count: number } }) {
  const { object, fate, dependents } = dependent;
  if (left.count-- === 0) return <li class="quiet">and more</li>;
  if (left.count < 0) return null;
  return (
    <li>
      {object.kind} {object.metadata.name}{" "}
      {fate.is === "orphaned" && <span class="tone-warn">▲ stays, without an owner</span>}
      {fate.is === "kept" && <span class="tone-quiet">○ stays: it also belongs to {fate.by.join(", ")}</span>}
      {dependents.length > 0 && (
        <ul class="goes">
          {dependents.map((one) => (
            <Branch key={one.object.metadata.uid} dependent={one} left={left} />
          ))}
        </ul>
      )}
    </li>
  );
}
