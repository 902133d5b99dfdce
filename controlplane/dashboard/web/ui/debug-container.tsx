import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { KubeObject } from "../api/object-feed.ts";
import { allows, rightsIn } from "../api/rights.ts";
import { call, fieldManager, Refusal } from "../api/session.ts";
import { containersOf } from "../model/pods.ts";
import { debugPatch } from "../model/terminal-containers.ts";

const strategicPatch = "application/strategic-merge-patch+json";
const resource = "pods/ephemeralcontainers";

interface DebugProps {
  readonly pod: KubeObject;
  /** Whose processes the debug container is to see. */
  readonly target: string;
  /** It runs. */
  readonly onAdded: (name: string) => void;
}

/** Adds a container with tools of its own to a running pod, as `kubectl debug` does. It stays until the pod goes. */
export function DebugButton({ pod, target, onAdded }: DebugProps) {
  const { namespace = "", name } = pod.metadata;
  const box = useRef<HTMLDialogElement>(null);
  const image = useSignal("busybox");
  const why = useSignal("");
  const awaited = useSignal("");
  const may = allows(rightsIn(namespace), { verb: "patch", group: "", resource, name });
  const line = containersOf(pod).find((one) => one.name === awaited.value);
  const isRunning = line?.state.startsWith("Running") ?? false;
  useEffect(() => {
    if (!isRunning) return;
    onAdded(awaited.value);
    awaited.value = "";
    box.current?.close();
  }, [isRunning]);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    why.value = "";
    const added = `debugger-${crypto.getRandomValues(new Uint32Array(1))[0]?.toString(36).slice(0, 5)}`;
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}/ephemeralcontainers`;
    try {
      const body = debugPatch(added, image.value.trim(), target);
      await call(`${path}?fieldManager=${fieldManager}`, {
        method: "PATCH",
        contentType: strategicPatch,
        body,
      });
      awaited.value = added;
    } catch (error) {
      why.value = error instanceof Refusal ? error.message : String(error);
    }
  };
  return (
    <>
      <button
        type="button"
        disabled={!may}
        title={may ? undefined : `You may not patch ${resource} here`}
        onClick={() => {
          why.value = "";
          awaited.value = "";
          box.current?.showModal();
        }}
      >
        Debug container
      </button>
      <dialog class="ask" ref={box} aria-label="Debug container">
        <form onSubmit={(event) => void submit(event)}>
          <p>
            Add a container with tools of its own to {name}? It sees the processes of {target} where the node
            can share them, and stays until the pod goes.
          </p>
          <input
            aria-label="Image"
            required
            value={image.value}
            onInput={(event) => (image.value = event.currentTarget.value)}
          />
          {why.value && (
            <p role="alert" class="banner banner-bad">
              {why.value}
            </p>
          )}
          {awaited.value && (
            <p role="status" class={line?.tone === "bad" ? "banner banner-bad" : "quiet"}>
              {line?.state ?? "Waiting"} {line?.note}
            </p>
          )}
          <div class="ask-buttons">
            <button type="button" onClick={() => box.current?.close()}>
              Cancel
            </button>
            <button type="submit" class="primary" disabled={awaited.value !== ""}>
              Add
            </button>
          </div>
        </form>
      </dialog>
    </>
  );
}
