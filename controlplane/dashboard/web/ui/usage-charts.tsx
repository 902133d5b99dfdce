import { useSignal } from "@preact/signals";
import { useEffect, useId, useRef } from "preact/hooks";
import { useUsage } from "../api/usage.ts";
import { amountText, type Measure } from "../model/chart-amounts.ts";
import { lineStyle } from "../model/line-style.ts";
import {
  type Lines,
  linesOf,
  type Mark,
  pointText,
  type Subject,
  tablePoints,
  topOf,
  type UsageAnswer,
} from "../model/usage.ts";
import { param, setParams } from "../route.ts";
import { PlainTable } from "./plain-table.tsx";
import type { Plot } from "./plot.ts";
import { theme } from "./theme.ts";

const sources = {
  memory: "Measured by this dashboard, which remembers two hours.",
  prometheus: "From Prometheus.",
} as const;
const rangeNames: Readonly<Record<string, string>> = {
  "15m": "15 min",
  "1h": "1 h",
  "2h": "2 h",
  "6h": "6 h",
  "1d": "1 day",
  "7d": "7 days",
};
const titles = { cpu: "CPU", memory: "Memory" } as const;
const tableRowsMost = 60;

/** What a subject used, as charts and as tables. */
export function UsageCharts({ subject }: { readonly subject: Subject }) {
  const range = param("range") || "1h";
  const state = useUsage({ ...subject.query, range });
  if (state.is === "refused")
    return (
      <p class="banner banner-warn" role="status">
        No charts: {state.why}
      </p>
    );
  const answer = state.is === "known" ? state.answer : undefined;
  const offered = answer?.ranges ?? ["15m", "1h", "2h"];
  return (
    <div class="charts" aria-busy={answer === undefined}>
      <div class="charts-head">
        <fieldset class="ranges">
          <legend class="hidden">How far back</legend>
          {offered.map((one) => (
            <button
              key={one}
              type="button"
              aria-pressed={one === range}
              onClick={() => setParams({ range: one === "1h" ? "" : one })}
            >
              {rangeNames[one] ?? one}
            </button>
          ))}
        </fieldset>
        <p class="quiet charts-source">{answer && sources[answer.source]}</p>
      </div>
      {state.is === "known" && state.stale !== undefined && (
        <p class="banner banner-warn" role="status">
          Not renewed: {state.stale}
        </p>
      )}
      {answer?.notes.map((note) => (
        <p key={note} class="banner banner-warn" role="status">
          {note}
        </p>
      ))}
      {answer && answer.count > answer.series.length && (
        <p class="quiet">
          The {answer.series.length} that use most memory are shown one by one; the sum is of all{" "}
          {answer.count}.
        </p>
      )}
      <div class="charts-pair">
        {(["cpu", "memory"] as const).map((measure) => (
          <Chart key={measure} measure={measure} answer={answer} subject={subject} />
        ))}
      </div>
    </div>
  );
}

interface ChartProps {
  readonly measure: Measure;
  readonly answer: UsageAnswer | undefined;
  readonly subject: Subject;
}

function Chart({ measure, answer, subject }: ChartProps) {
  const title = titles[measure];
  const lines: Lines =
    answer === undefined ? { times: [], lines: [] } : linesOf(answer, measure, subject.part);
  const marks = subject.marks[measure];
  const isEmpty =
    answer !== undefined && lines.lines.every(({ values }) => values.every((one) => one === null));
  return (
    <section class="chart">
      <h2>{title}</h2>
      {isEmpty ? (
        <p class="empty chart-empty">Nothing was measured in this time.</p>
      ) : (
        <Drawing measure={measure} lines={lines} marks={marks} />
      )}
      {!isEmpty && <Table measure={measure} lines={lines} />}
    </section>
  );
}

interface DrawingProps {
  readonly measure: Measure;
  readonly lines: Lines;
  readonly marks: readonly Mark[];
}

/** The drawing is a slider over its points: arrow keys read their values, and what it stands on is said below. */
function Drawing({ measure, lines, marks }: DrawingProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | undefined>(undefined);
  const latest = useRef({ measure, lines, marks });
  latest.current = { measure, lines, marks };
  const point = useSignal<number | undefined>(undefined);
  const isZoomed = useSignal(false);
  const isLoaded = useSignal(false);
  const canDraw = isLoaded.value && lines.times.length > 0;
  const id = useId();
  useEffect(() => {
    let isGone = false;
    void import("./plot.ts").then(({ Plot: Made }) => {
      if (isGone || box.current === null) return;
      plot.current = new Made(box.current, {
        onPoint: (at) => (point.value = at),
        onZoom: (is) => (isZoomed.value = is),
      });
      isLoaded.value = true;
    });
    return () => {
      isGone = true;
      plot.current?.close();
    };
  }, []);
  useEffect(() => {
    if (canDraw) plot.current?.show(latest.current);
  });
  useEffect(() => {
    const repaint = () => plot.current?.repaint();
    repaint();
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", repaint);
    return () => dark.removeEventListener("change", repaint);
  }, [theme.value]);
  const last = lines.times.length - 1;
  const at = Math.min(point.value ?? last, last);
  const move = (to: number) => {
    point.value = Math.max(0, Math.min(last, to));
    plot.current?.point(point.value);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const acts: Readonly<Record<string, () => void>> = {
      ArrowLeft: () => move(at - 1),
      ArrowRight: () => move(at + 1),
      ArrowDown: () => move(at - 1),
      ArrowUp: () => move(at + 1),
      PageDown: () => move(at - 10),
      PageUp: () => move(at + 10),
      Home: () => move(0),
      End: () => move(last),
      "+": () => plot.current?.zoom(at),
      Escape: () => plot.current?.reset(),
    };
    const act = event.ctrlKey || event.metaKey || event.altKey ? undefined : acts[event.key];
    if (act === undefined) return;
    event.preventDefault();
    act();
  };
  const when = timeText(lines.times[at]);
  const beyond = marks.filter(({ value }) => value > topOf(lines, marks));
  return (
    <>
      <div
        class="plot"
        ref={box}
        role="slider"
        tabIndex={0}
        aria-label={`${titles[measure]}, by time`}
        aria-describedby={id}
        aria-valuemin={0}
        aria-valuemax={Math.max(0, last)}
        aria-valuenow={Math.max(0, at)}
        aria-valuetext={last < 0 ? "nothing yet" : `${when}: ${pointText(lines, at, measure)}`}
        onKeyDown={onKeyDown}
      />
      <div class="legend">
        <span class="legend-time mono">{when}</span>
        {lines.lines.map(({ name, values }, index) => (
          <span key={name} class="legend-line">
            <Sign at={index} />
            {name}
            <strong class="mono">{valueText(measure, values[at])}</strong>
          </span>
        ))}
        {marks.map(({ label, value }) => (
          <span key={label} class="legend-line quiet">
            {label}
            <span class="mono">{amountText(measure, value)}</span>
            {beyond.some((one) => one.label === label) && "(above the chart)"}
          </span>
        ))}
        {isZoomed.value && (
          <button type="button" onClick={() => plot.current?.reset()}>
            Show all
          </button>
        )}
      </div>
      <p id={id} class="hidden">
        Left and right read the values, plus zooms in, Escape shows all again.
      </p>
    </>
  );
}

/** A piece of the line that it names. */
function Sign({ at }: { readonly at: number }) {
  const { colour, pattern } = lineStyle(at);
  return (
    <svg class="sign" viewBox="0 0 26 8" aria-hidden="true">
      <path d="M0 4h26" style={{ stroke: `var(${colour})` }} stroke-dasharray={pattern.join(" ")} />
    </svg>
  );
}

/** The same values for who reads rather than looks. */
function Table({ measure, lines }: { readonly measure: Measure; readonly lines: Lines }) {
  const isOpen = useSignal(false);
  return (
    <details class="values" onToggle={(event) => (isOpen.value = event.currentTarget.open)}>
      <summary>Values as a table</summary>
      {isOpen.value && (
        <PlainTable heads={["Time", ...lines.lines.map(({ name }) => name)]}>
          {tablePoints(lines, tableRowsMost).map((at) => (
            <tr key={lines.times[at]}>
              <td class="mono">{timeText(lines.times[at])}</td>
              {lines.lines.map(({ name, values }) => (
                <td key={name} class="mono">
                  {valueText(measure, values[at])}
                </td>
              ))}
            </tr>
          ))}
        </PlainTable>
      )}
    </details>
  );
}

const valueText = (measure: Measure, value: number | null | undefined): string =>
  value === null || value === undefined ? "–" : amountText(measure, value);

/** In the browser's time zone; with the day where that is not today. */
function timeText(seconds: number | undefined): string {
  if (seconds === undefined) return "";
  const date = new Date(seconds * 1000);
  const time = date.toLocaleTimeString(undefined, { hourCycle: "h23" });
  const isToday = date.toDateString() === new Date().toDateString();
  return isToday ? time : `${date.toLocaleDateString(undefined, { month: "short", day: "numeric" })} ${time}`;
}
