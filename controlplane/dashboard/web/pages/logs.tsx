import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import type { FoundCounts } from "../../../../client/logs/search-records.ts";
import { countLines, LogSearch, type SearchState, searchBounds } from "../api/log-search.ts";
import { sourceName } from "../model/found-lines.ts";
import { countsPath, readView, type SearchView, searchCommand } from "../model/search-logs.ts";
import { param, setParams } from "../route.ts";
import { CopyButton } from "../ui/copy-button.tsx";
import { CountBars } from "../ui/count-bars.tsx";
import { FoundDetails } from "../ui/found-details.tsx";
import { FoundLinesBox } from "../ui/found-lines.tsx";
import { useQueryMatcher } from "../ui/query-matcher.ts";
import { SearchTools } from "../ui/search-tools.tsx";

/** The logs of the whole cluster, searched: what is asked for, how many lines there are over time, and the lines. */
export function LogsPage() {
  const view = readView(param);
  const command = searchCommand(view);
  // What is asked for, whichever object says it.
  const asked = JSON.stringify(view);
  return (
    <section class="page page-list logs-page">
      <div class="page-head">
        <h1>Logs</h1>
        <span class="quiet">{view.namespace || "all namespaces"}</span>
        <span class="next logs-command">
          <code>{command}</code>
          <CopyButton text={command} />
        </span>
      </div>
      <SearchTools view={view} />
      {!view.isFollowing && <Counts key={`counts ${asked}`} view={view} />}
      <Found key={asked} view={view} />
    </section>
  );
}

function Counts({ view }: { readonly view: SearchView }) {
  const counts = useSignal<FoundCounts | undefined>(undefined);
  const why = useSignal("");
  useEffect(() => {
    const abort = new AbortController();
    countLines(countsPath(view), abort.signal).then(
      (found) => {
        counts.value = found;
      },
      (error: unknown) => {
        why.value = error instanceof Error ? error.message : String(error);
      },
    );
    return () => abort.abort();
  }, []);
  if (why.value !== "") return <p class="quiet">The lines are not counted: {why.value}</p>;
  if (counts.value === undefined) return <div class="counts counts-wait" aria-busy="true" />;
  const narrow = (fromMs: number, toMs: number) =>
    setParams({ from: new Date(fromMs).toISOString(), until: new Date(toMs).toISOString(), range: "" });
  return <CountBars counts={counts.value} onChoose={narrow} />;
}

function Found({ view }: { readonly view: SearchView }) {
  const search = useMemo(() => new LogSearch(view), []);
  useEffect(() => () => search.close(), [search]);
  const matcher = useQueryMatcher(view.query);
  const selected = useSignal<number | undefined>(undefined);
  const state = search.state.value;
  void search.version.value;
  const { lines, sources, dropped, isFull } = search.found;
  const line = selected.value === undefined ? undefined : lines[selected.value - dropped];
  const isMore = state.is === "done" && state.end.isLimited && !view.isFollowing;
  return (
    <>
      <Said state={state} />
      <FoundLinesBox
        search={search}
        matcher={matcher}
        isTurned={view.isFollowing}
        readsJson={param("raw") !== "1"}
        selected={selected}
      />
      {line !== undefined && (
        <FoundDetails
          line={line}
          source={sources[line.source]}
          onClose={() => (selected.value = undefined)}
        />
      )}
      <div class="tools tools-left logs-foot">
        <span class="quiet" role="status">
          {countText(lines.length, state, view)}
          {dropped > 0 && `; ${number(dropped)} older ones gave way`}
        </span>
        {isMore && !isFull && (
          <button type="button" onClick={() => search.more()}>
            {view.isOldestFirst ? "Newer lines" : "Older lines"}
          </button>
        )}
        {isMore && isFull && (
          <span class="quiet">
            There are more: {number(searchBounds.linesMost)} are shown at once. Ask for less time.
          </span>
        )}
        {lines.length > 0 && (
          <button type="button" onClick={() => download(search)}>
            Download
          </button>
        )}
      </div>
    </>
  );
}

function countText(count: number, state: SearchState, view: SearchView): string {
  if (view.isFollowing && state.is === "searching") return `${linesText(count)}; more are shown as they come`;
  if (state.is === "searching") {
    const searched =
      state.searchedBytes > 0 ? ` ${(state.searchedBytes / 1e6).toFixed(0)} MB are looked through.` : "";
    return `${linesText(count)} so far …${searched}`;
  }
  if (count === 0 && state.is === "done") return "No line is like this.";
  return linesText(count);
}

const linesText = (count: number): string => `${number(count)} ${count === 1 ? "line" : "lines"}`;

/** Why lines are missing, all or some. */
function Said({ state }: { readonly state: SearchState }) {
  if (state.is === "failed") {
    const why =
      state.code === 404
        ? "This cluster's API server does not search logs. It does when it is started with --log-search."
        : state.why;
    return (
      <p class="banner banner-bad" role="alert">
        {why}
      </p>
    );
  }
  const missing =
    state.is === "done" ? (state.end.nodes ?? []).filter(({ error }) => error !== undefined) : [];
  if (missing.length === 0) return null;
  return (
    <p class="banner banner-warn" role="status">
      Lines are missing of {missing.map(({ name, error }) => `${name} (${error})`).join(", ")}
    </p>
  );
}

const number = (value: number): string => value.toLocaleString("en");

/** What is shown, as a file of JSON lines. */
function download({ found: { lines, sources } }: LogSearch): void {
  const parts = lines.map(({ stamp, text, stream, textBytes, source }) => {
    const { key: _, ...from } = sources[source] ?? { key: "", kind: "container" as const };
    return `${JSON.stringify({ time: stamp, ...from, stream, text, textBytes })}\n`;
  });
  const url = URL.createObjectURL(new Blob(parts, { type: "application/x-ndjson" }));
  const link = document.createElement("a");
  link.href = url;
  const [only] = sources;
  link.download = `${sources.length === 1 && only ? sourceName(only).replaceAll("/", "-") : "logs"}.ndjson`;
  link.click();
  URL.revokeObjectURL(url);
}
