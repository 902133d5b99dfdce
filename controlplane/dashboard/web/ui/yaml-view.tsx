import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import type { KubeObject } from "../api/object-feed.ts";
import { Icon } from "./icons.tsx";

/** An object as YAML; what only servers read is left out until it is asked for. */
export function YamlView({
  object,
  edit,
}: {
  readonly object: KubeObject;
  /** What leads to the editor. */
  readonly edit: ComponentChildren;
}) {
  const isWhole = useSignal(false);
  const text = useSignal("");
  useEffect(() => {
    const shown = isWhole.value
      ? object
      : { ...object, metadata: { ...object.metadata, managedFields: undefined } };
    void import("../model/yaml-text.ts").then(({ yamlText }) => {
      text.value = yamlText(shown);
    });
  }, [object, isWhole.value]);
  return (
    <div>
      <div class="tools tools-left">
        {edit}
        <button type="button" onClick={() => void navigator.clipboard.writeText(text.value)}>
          <Icon name="copy" /> Copy
        </button>
        <label class="check">
          <input
            type="checkbox"
            checked={isWhole.value}
            onChange={(event) => (isWhole.value = event.currentTarget.checked)}
          />
          Managed fields
        </label>
      </div>
      <pre class="yaml" tabIndex={0}>
        {text.value}
      </pre>
    </div>
  );
}
