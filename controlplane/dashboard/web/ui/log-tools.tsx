import { useSignal } from "@preact/signals";
import { type LogStreams, logLimits, nameOf } from "../api/log-streams.ts";
import type { LogSource } from "../model/log-sources.ts";
import { param, setParams, to } from "../route.ts";
import { logKeys } from "./log-box.tsx";
import { TimeField } from "./time-field.tsx";

interface ToolsProps {
  readonly sources: readonly LogSource[];
  readonly streams: LogStreams;
  readonly count: { readonly rows: number; readonly matches: number; readonly at: number };
  readonly problem: string;
}

const ranges = {
  "": "As far back as kept",
  "5m": "Last 5 minutes",
  "15m": "Last 15 minutes",
  "1h": "Last hour",
  "6h": "Last 6 hours",
  "1d": "Last day",
} as const;

/** What is shown of a log: all of it stands in the address. */
export function LogTools({ sources, streams, count, problem }: ToolsProps) {
  const pods = [...new Set(sources.map(({ pod }) => pod))];
  const containers = [...new Set(sources.map(({ container }) => container))];
  const isBetween = useSignal(param("from") !== "" || param("until") !== "");
  void streams.version.value;
  const { dropped } = streams.buffer;
  const number = (value: number) => value.toLocaleString("en");
  return (
    <div class="log-tools">
      <div class="tools tools-left">
        {pods.length > 1 && <Choice name="pod" label="Pod" all="All pods" values={pods} />}
        {containers.length > 1 && (
          <Choice name="c" label="Container" all="All containers" values={containers} />
        )}
        <select
          aria-label="Time range"
          value={isBetween.value ? "between" : param("since")}
          onChange={({ currentTarget: { value } }) => {
            isBetween.value = value === "between";
            setParams({ since: isBetween.value ? "" : value, from: "", until: "" });
          }}
        >
          {Object.entries(ranges).map(([value, title]) => (
            <option key={value} value={value}>
              {title}
            </option>
          ))}
          <option value="between">Between two times</option>
        </select>
        {isBetween.value && (
          <>
            <TimeField name="from" label="From" />
            <TimeField name="until" label="Until" />
          </>
        )}
        <select
          aria-label="Level"
          value={param("level")}
          onChange={(event) => setParams({ level: event.currentTarget.value })}
        >
          <option value="">All levels</option>
          <option value="info">Info and graver</option>
          <option value="warn">Warnings and errors</option>
          <option value="error">Errors</option>
        </select>
        <Check name="prev" label="Previous run" />
        <Check name="ts" label="Times" />
        <Check name="wrap" label="Wrap" />
        <Check name="raw" label="JSON as it is" />
        <button type="button" onClick={() => download(streams)}>
          Download
        </button>
        <a href={to(["logs"], searchOf(sources))}>Search the logs</a>
      </div>
      <div class="tools tools-left">
        <input
          type="search"
          class="log-search"
          aria-label="Search in the log"
          aria-invalid={problem !== ""}
          placeholder={param("re") === "1" ? "Search: level=(warn|error)" : "Search"}
          value={param("q")}
          onInput={(event) => setParams({ q: event.currentTarget.value })}
          onKeyDown={(event) => {
            if (event.key !== "Enter") return;
            event.preventDefault();
            logKeys.value = { step: event.shiftKey ? -1 : 1 };
          }}
        />
        <Check name="re" label="Regular expression" />
        <Check name="only" label="Only matches" />
        {param("q") !== "" && (
          <>
            <button type="button" aria-label="Previous match" onClick={() => (logKeys.value = { step: -1 })}>
              ↑
            </button>
            <button type="button" aria-label="Next match" onClick={() => (logKeys.value = { step: 1 })}>
              ↓
            </button>
          </>
        )}
        <span class={problem ? "tone-bad" : "quiet"} aria-live="polite">
          {problem ||
            (param("q") === ""
              ? `${number(count.rows)} lines`
              : `${count.at > 0 ? `${number(count.at)} of ` : ""}${number(count.matches)} matches`)}
        </span>
        {dropped > 0 && (
          <span class="quiet">
            {number(dropped)} older lines were dropped; the last {number(logLimits.linesMost)} are kept
          </span>
        )}
        <Sources streams={streams} />
      </div>
    </div>
  );
}

function Choice({
  name,
  label,
  all,
  values,
}: {
  readonly name: string;
  readonly label: string;
  readonly all: string;
  readonly values: readonly string[];
}) {
  return (
    <select
      aria-label={label}
      value={param(name)}
      onChange={(event) => setParams({ [name]: event.currentTarget.value })}
    >
      <option value="">{all}</option>
      {values.map((value) => (
        <option key={value} value={value}>
          {value}
        </option>
      ))}
    </select>
  );
}

function Check({ name, label }: { readonly name: string; readonly label: string }) {
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={param(name) === "1"}
        onChange={(event) => setParams({ [name]: event.currentTarget.checked ? "1" : "" })}
      />
      {label}
    </label>
  );
}

/** Of one pod, or all of the namespace; those that are gone, too. */
function searchOf(sources: readonly LogSource[]): Readonly<Record<string, string>> {
  const [first] = sources;
  if (first === undefined) return {};
  const isOne = sources.every(({ pod }) => pod === first.pod);
  return { ns: first.namespace, ...(isOne && { pod: first.pod }) };
}

/** Whose lines they are, by the colours and names that stand before them. */
function Sources({ streams }: { readonly streams: LogStreams }) {
  const { sources } = streams;
  if (sources.length < 2) return null;
  const pods = [...new Set(sources.map(({ pod }) => pod))];
  return (
    <details class="log-sources">
      <summary>{sources.length} containers</summary>
      <ul>
        {sources.map((source, at) => (
          <li key={at}>
            <a
              class={`series-${pods.indexOf(source.pod) % 8}`}
              href={to(["k", "core", "pods", source.namespace, source.pod], { tab: "logs" })}
            >
              {nameOf(source)}
            </a>
          </li>
        ))}
      </ul>
    </details>
  );
}

/** What is kept, as a file. */
function download({ buffer, sources }: LogStreams): void {
  const parts = buffer.lines.map(({ stamp, text, source }) => {
    const of = sources[source];
    return of === undefined ? `# ${text}\n` : `${stamp} ${nameOf(of)} ${text}\n`;
  });
  const url = URL.createObjectURL(new Blob(parts, { type: "text/plain" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = `${new Set(sources.map(({ pod }) => pod)).size === 1 ? sources[0]?.pod : "pods"}.log`;
  link.click();
  URL.revokeObjectURL(url);
}
