import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { parseQuery } from "../../../../client/logs/parse-query.ts";
import { countedBy, type SearchedSource, sources } from "../../../../client/logs/search-request.ts";
import { may } from "../api/may.ts";
import type { SearchView } from "../model/search-logs.ts";
import { namespace, param, setParams } from "../route.ts";
import { TimeField } from "./time-field.tsx";

const ranges = {
  "15m": "Last 15 minutes",
  "1h": "Last hour",
  "6h": "Last 6 hours",
  "1d": "Last day",
  "7d": "Last 7 days",
} as const;
const sourceNames: Readonly<Record<SearchedSource, string>> = {
  containers: "Containers",
  components: "Components",
  events: "Events",
  audit: "Audit log",
};

/** What is asked for; all of it stands in the address. */
export function SearchTools({ view }: { readonly view: SearchView }) {
  const isOfContainers = view.source === "containers";
  return (
    <div class="log-tools">
      <QueryLine query={view.query} />
      {view.namespace === "" && isOfContainers && !mayRead("containers", "") && (
        <p class="banner banner-warn" role="status">
          You may not read the logs of all namespaces. Choose one at the top.
        </p>
      )}
      <div class="tools tools-left">
        <Choice name="source" label="What is searched" value={view.source}>
          {sources.map((source) => {
            const isAllowed = mayRead(source, namespace.value);
            return (
              <option key={source} value={source} disabled={!isAllowed}>
                {sourceNames[source]}
                {!isAllowed && " (not allowed)"}
              </option>
            );
          })}
        </Choice>
        <Times view={view} />
        {isOfContainers && (
          <>
            <Words name="labels" label="Labels" placeholder="app=web" />
            <Words name="pod" label="Pod" />
            <Words name="c" label="Container" />
          </>
        )}
        {(view.source === "components" || view.source === "audit") && (
          <Words name="component" label="Component" />
        )}
        {view.source !== "events" && <Words name="node" label="Node" />}
        {isOfContainers && (
          <Choice name="stream" label="Stream" value={view.stream}>
            <option value="">Both streams</option>
            <option value="stdout">stdout</option>
            <option value="stderr">stderr</option>
          </Choice>
        )}
        {!view.isFollowing && (
          <>
            <Choice name="order" label="Order" value={view.isOldestFirst ? "oldest" : ""}>
              <option value="">Newest first</option>
              <option value="oldest">Oldest first</option>
            </Choice>
            <Choice name="by" label="Counted by" value={view.by}>
              <option value="">Counted together</option>
              {countedBy.map((one) => (
                <option key={one} value={one}>
                  By {one}
                </option>
              ))}
            </Choice>
          </>
        )}
        <label class="check">
          <input
            type="checkbox"
            checked={view.isFollowing}
            onChange={(event) => setParams({ follow: event.currentTarget.checked ? "1" : "" })}
          />
          Follow
        </label>
        <label class="check">
          <input
            type="checkbox"
            checked={param("raw") === "1"}
            onChange={(event) => setParams({ raw: event.currentTarget.checked ? "1" : "" })}
          />
          JSON as it is
        </label>
      </div>
    </div>
  );
}

const deeds: Readonly<
  Record<SearchedSource, { readonly verb: string; readonly group: string; readonly resource: string }>
> = {
  containers: { verb: "get", group: "", resource: "pods/log" },
  components: { verb: "get", group: "", resource: "nodes/log" },
  audit: { verb: "get", group: "logs.pintle.dev", resource: "audit" },
  events: { verb: "list", group: "", resource: "events" },
};

/** Components and audit logs are in no namespace. */
const mayRead = (source: SearchedSource, namespace: string): boolean =>
  may(deeds[source], source === "containers" || source === "events" ? namespace : "");

/** Asked for when Enter is pressed; what cannot be read is said at once, with its place. */
function QueryLine({ query }: { readonly query: string }) {
  const text = useSignal(query);
  useEffect(() => {
    text.value = query;
  }, [query]);
  const read = parseQuery(text.value);
  const problem = "problem" in read ? read.problem : undefined;
  return (
    <form
      class="query-line"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        if (problem === undefined) setParams({ q: text.value });
      }}
    >
      <input
        type="search"
        aria-label="Query"
        aria-invalid={problem !== undefined}
        aria-describedby="query-problem"
        placeholder={'level=error "connection reset" or status>=500'}
        value={text.value}
        spellcheck={false}
        autocomplete="off"
        onInput={(event) => {
          text.value = event.currentTarget.value;
        }}
      />
      <button type="submit" class="primary" disabled={problem !== undefined}>
        Search
      </button>
      <p id="query-problem" class={problem ? "tone-bad query-problem" : "query-problem"} aria-live="polite">
        {problem && `Column ${problem.column}: ${problem.message}`}
      </p>
    </form>
  );
}

function Times({ view }: { readonly view: SearchView }) {
  const isBetween = useSignal(view.from !== "" || view.until !== "");
  const isGiven = view.from !== "" || view.until !== "";
  if (isGiven && !isBetween.value) isBetween.value = true;
  if (view.isFollowing) return null;
  return (
    <>
      <select
        aria-label="Time range"
        value={isBetween.value ? "between" : view.range}
        onChange={({ currentTarget: { value } }) => {
          isBetween.value = value === "between";
          setParams({ range: isBetween.value || value === "1h" ? "" : value, from: "", until: "" });
        }}
      >
        {Object.entries(ranges).map(([value, title]) => (
          <option key={value} value={value}>
            {title}
          </option>
        ))}
        {!(view.range in ranges) && <option value={view.range}>Last {view.range}</option>}
        <option value="between">Between two times</option>
      </select>
      {isBetween.value && (
        <>
          <TimeField name="from" label="From" />
          <TimeField name="until" label="Until" />
        </>
      )}
    </>
  );
}

interface ChoiceProps {
  readonly name: string;
  readonly label: string;
  readonly value: string;
  readonly children: ComponentChildren;
}

const Choice = ({ name, label, value, children }: ChoiceProps) => (
  <select
    aria-label={label}
    value={value}
    onChange={(event) => {
      const chosen = event.currentTarget.value;
      setParams({ [name]: name === "source" && chosen === "containers" ? "" : chosen });
    }}
  >
    {children}
  </select>
);

interface WordsProps {
  readonly name: string;
  readonly label: string;
  readonly placeholder?: string;
}

/** Asked for when it is left, or Enter is pressed. */
const Words = ({ name, label, placeholder }: WordsProps) => (
  <input
    class="search-words"
    aria-label={label}
    placeholder={placeholder ? `${label}: ${placeholder}` : label}
    value={param(name)}
    spellcheck={false}
    onChange={(event) => setParams({ [name]: event.currentTarget.value.trim() })}
  />
);
