import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { Kind } from "../api/discovery.ts";
import type { KubeObject } from "../api/object-feed.ts";
import { allows, rightsIn } from "../api/rights.ts";
import { Late } from "./late.tsx";

const load = () => import("./delete-preview.tsx").then(({ DeletePreview }) => DeletePreview);

/** Asks before an object is deleted, and shows what goes with it. */
export function DeleteButton({ kind, object }: { readonly kind: Kind; readonly object: KubeObject }) {
  const box = useRef<HTMLDialogElement>(null);
  const isOpen = useSignal(false);
  const { group, plural } = kind;
  const { name, namespace = "" } = object.metadata;
  if (!kind.verbs.includes("delete")) return null;
  const may = allows(rightsIn(namespace), { verb: "delete", group, resource: plural, name });
  return (
    <>
      <button
        type="button"
        class="danger"
        disabled={!may}
        title={may ? undefined : `You may not delete ${plural} here`}
        onClick={() => {
          isOpen.value = true;
          box.current?.showModal();
        }}
      >
        Delete
      </button>
      <dialog class="ask ask-wide" ref={box} aria-label="Delete" onClose={() => (isOpen.value = false)}>
        {isOpen.value && <Late load={load} props={{ kind, object, onClose: () => box.current?.close() }} />}
      </dialog>
    </>
  );
}
