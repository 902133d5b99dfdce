import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { kindOf } from "../api/discovery.ts";
import { TableFeed } from "../api/table-feed.ts";
import { namespace, setParams } from "../route.ts";

const feed = signal<TableFeed | undefined>(undefined);

/** Names of the namespaces, as far as the person may list them. */
export const namespaceNames = (): readonly string[] => {
  void feed.value?.version.value;
  return [...(feed.value?.items.values() ?? [])].map(({ object }) => object.metadata.name).sort();
};

/** Chooses what lists are narrowed to. Who may not list namespaces types the name. */
export function NamespacePicker() {
  const isKnown = kindOf("core/namespaces") !== undefined;
  useEffect(() => {
    if (isKnown) feed.value ??= new TableFeed("/api/v1/namespaces");
  }, [isKnown]);
  const names = namespaceNames();
  const chosen = namespace.value;
  const choose = (event: Event) => setParams({ ns: (event.currentTarget as HTMLInputElement).value });
  if (feed.value?.state.value.is === "refused")
    return (
      <input
        class="namespace"
        aria-label="Namespace"
        placeholder="namespace"
        value={chosen}
        onChange={choose}
      />
    );
  return (
    <select class="namespace" aria-label="Namespace" value={chosen} onChange={choose}>
      <option value="">All namespaces</option>
      {(names.includes(chosen) || chosen === "" ? names : [chosen, ...names]).map((name) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  );
}
