import type { Signal } from "@preact/signals";
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { copyIn, type FilePlace } from "../api/files.ts";
import { sizeText } from "../model/files.ts";

/** A file on its way into a container. */
export interface CopyIn {
  readonly place: FilePlace;
  readonly file: File;
  /** There is one of its name, which is asked about first. */
  readonly replaces: boolean;
}

interface CopiesProps {
  readonly copies: Signal<readonly CopyIn[]>;
  readonly onDone: () => void;
}

/** Files on their way in, each with how far it has come. */
export function CopiesIn({ copies, onDone }: CopiesProps) {
  if (copies.value.length === 0) return null;
  return (
    <ul class="copies" aria-label="Copies into the container">
      {copies.value.map((copy) => (
        <Copy
          key={`${copy.place.path} ${copy.file.name}`}
          copy={copy}
          onDone={onDone}
          onGone={() => (copies.value = copies.value.filter((one) => one !== copy))}
        />
      ))}
    </ul>
  );
}

type State =
  | { readonly is: "asking" }
  | { readonly is: "going"; readonly sentBytes: number }
  | { readonly is: "done" }
  | { readonly is: "failed"; readonly why: string };

function Copy({
  copy: { place, file, replaces },
  onDone,
  onGone,
}: {
  readonly copy: CopyIn;
  readonly onDone: () => void;
  readonly onGone: () => void;
}) {
  const state = useSignal<State>(replaces ? { is: "asking" } : { is: "going", sentBytes: 0 });
  const cancel = useRef<() => void>(() => undefined);
  const isGoing = state.value.is === "going";
  useEffect(() => {
    if (!isGoing) return;
    const copy = copyIn(place, file, (sentBytes) => (state.value = { is: "going", sentBytes }));
    cancel.current = copy.cancel;
    copy.done.then(
      () => {
        state.value = { is: "done" };
        onDone();
      },
      (error: unknown) => {
        state.value = { is: "failed", why: error instanceof Error ? error.message : String(error) };
      },
    );
  }, [isGoing]);
  const now = state.value;
  return (
    <li>
      <span class="mono">{file.name}</span> <span class="quiet">to {place.path}</span>
      {now.is === "asking" && (
        <>
          <span> is there already.</span>
          <button type="button" onClick={() => (state.value = { is: "going", sentBytes: 0 })}>
            Replace it
          </button>
        </>
      )}
      {now.is === "going" && (
        <>
          <progress
            aria-label={`How far ${file.name} is`}
            max={Math.max(1, file.size)}
            value={now.sentBytes}
          />
          <span class="quiet">
            {sizeText(Math.min(now.sentBytes, file.size))} of {sizeText(file.size)}
          </span>
          <button type="button" onClick={() => cancel.current()}>
            Cancel
          </button>
        </>
      )}
      {now.is === "done" && (
        <span class="tone-good" role="status">
          <span aria-hidden="true">● </span>
          {sizeText(file.size)} copied
        </span>
      )}
      {now.is === "failed" && (
        <span class="tone-bad" role="alert">
          <span aria-hidden="true">✕ </span>
          {now.why}
        </span>
      )}
      {!isGoing && (
        <button type="button" aria-label={`Close ${file.name}`} onClick={onGone}>
          Close
        </button>
      )}
    </li>
  );
}
