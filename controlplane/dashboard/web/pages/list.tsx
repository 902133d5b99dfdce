import { useSignal } from "@preact/signals";
import { type Kind, kindKey, kindPath } from "../api/discovery.ts";
import { titleOf } from "../model/menu.ts";
import { namespace, param, setParams, to } from "../route.ts";
import { NewButton } from "../ui/edit-button.tsx";
import { FeedTable } from "../ui/table.tsx";
import { useTable } from "../ui/use-feed.ts";

/** All objects of a kind, live. */
export function ListPage({ kind }: { readonly kind: Kind }) {
  const inNamespace = kind.namespaced ? namespace.value : "";
  const labels = param("l");
  const feed = useTable(kindPath(kind, inNamespace), labels === "" ? {} : { labelSelector: labels });
  const count = useSignal({ shown: 0, all: 0 });
  const state = feed.state.value;
  const showsNamespace = kind.namespaced && inNamespace === "";
  const title = titleOf(kind);
  return (
    <section class="page page-list">
      <div class="page-head">
        <h1>{title}</h1>
        <span class="quiet" aria-live="polite">
          {countText(count.value, state.is === "loading")}
        </span>
        <div class="tools">
          <input
            type="search"
            aria-label="Filter"
            placeholder="Filter"
            value={param("q")}
            onInput={(event) => setParams({ q: event.currentTarget.value })}
          />
          <input
            type="search"
            aria-label="Labels"
            placeholder="app=web,tier!=db"
            value={labels}
            onChange={(event) => setParams({ l: event.currentTarget.value })}
          />
          <label class="check">
            <input
              type="checkbox"
              checked={param("wide") === "1"}
              onChange={(event) => setParams({ wide: event.currentTarget.checked ? "1" : "" })}
            />
            All columns
          </label>
          <NewButton kind={kind} />
        </div>
      </div>
      {state.is === "refused" && (
        <p class="banner banner-bad" role="alert">
          {state.why}
        </p>
      )}
      {state.is === "stale" && (
        <p class="banner banner-warn" role="status">
          {state.why}; asking again.
        </p>
      )}
      {state.is !== "loading" &&
        state.is !== "refused" &&
        feed.items.size === 0 &&
        feed.version.value > 0 && (
          <p class="empty">
            No {title.toLowerCase()}
            {inNamespace && ` in ${inNamespace}`}.
          </p>
        )}
      <FeedTable
        key={kindKey(kind)}
        feed={feed}
        label={title}
        showsNamespace={showsNamespace}
        onCount={(shown, all) => {
          if (count.value.shown !== shown || count.value.all !== all) count.value = { shown, all };
        }}
        hrefOf={({ object: { metadata } }) =>
          to(["k", ...kindKey(kind).split("/"), metadata.namespace ?? "_", metadata.name])
        }
      />
    </section>
  );
}

function countText(
  { shown, all }: { readonly shown: number; readonly all: number },
  isLoading: boolean,
): string {
  const number = (value: number) => value.toLocaleString("en");
  return `${shown === all ? number(all) : `${number(shown)} of ${number(all)}`}${isLoading ? " and counting" : ""}`;
}
