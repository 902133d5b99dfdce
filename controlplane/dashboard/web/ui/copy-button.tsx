import { useSignal } from "@preact/signals";
import { Icon } from "./icons.tsx";

const saidMs = 2_000;

/** Copies a text; says so for a moment. */
export function CopyButton({ text }: { readonly text: string }) {
  const said = useSignal("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      said.value = "Copied";
    } catch {
      said.value = "The browser does not let it be copied";
    }
    setTimeout(() => {
      said.value = "";
    }, saidMs);
  };
  return (
    <button
      type="button"
      class="copy"
      title={said.value || "Copy"}
      aria-label={`Copy ${text}`}
      onClick={() => void copy()}
    >
      <Icon name="copy" />
      <span role="status">{said.value}</span>
    </button>
  );
}
