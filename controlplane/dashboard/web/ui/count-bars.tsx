import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { FoundCounts } from "../../../../client/logs/search-records.ts";
import { type Bar, barsOf } from "../model/count-bars.ts";
import { PlainTable } from "./plain-table.tsx";

const high = 60;

interface BarsProps {
  readonly counts: FoundCounts;
  onChoose(fromMs: number, toMs: number): void;
}

/** How many lines there are over time. Dragging over it, or a row of its table, narrows the time. */
export function CountBars({ counts, onChoose }: BarsProps) {
  const shown = useMemo(() => barsOf(counts), [counts]);
  const { bars, names, totals, total, most } = shown;
  const drag = useSignal<{ readonly from: number; readonly to: number } | undefined>(undefined);
  const at = useSignal<number | undefined>(undefined);
  const placeOf = (event: PointerEvent & { readonly currentTarget: Element }) => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    return Math.max(0, Math.min(bars.length - 1, Math.floor(((event.clientX - left) / width) * bars.length)));
  };
  const choose = (a: number, b: number) => {
    const [first, last] = [bars[Math.min(a, b)], bars[Math.max(a, b)]];
    if (first !== undefined && last !== undefined) onChoose(first.fromMs, last.toMs);
  };
  const dragged = drag.value;
  const pointed = at.value === undefined ? undefined : bars[at.value];
  return (
    <div class="counts">
      <svg
        class="counts-bars"
        viewBox={`0 0 ${bars.length} ${high}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${total} lines over time; the table below has the numbers`}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          const from = placeOf(event);
          drag.value = { from, to: from };
        }}
        onPointerMove={(event) => {
          at.value = placeOf(event);
          if (drag.value !== undefined) drag.value = { from: drag.value.from, to: at.value };
        }}
        onPointerLeave={() => (at.value = undefined)}
        onPointerUp={() => {
          if (dragged !== undefined) choose(dragged.from, dragged.to);
          drag.value = undefined;
        }}
      >
        {dragged && (
          <rect
            class="counts-chosen"
            x={Math.min(dragged.from, dragged.to)}
            y={0}
            width={Math.abs(dragged.to - dragged.from) + 1}
            height={high}
          />
        )}
        {bars.flatMap(({ parts }, index) =>
          parts.map(({ series, from, count }) => (
            <rect
              key={`${index} ${series}`}
              class={`series-${series % 8}`}
              x={index + 0.08}
              width={0.84}
              y={high - ((from + count) / most) * high}
              height={(count / most) * high}
            />
          )),
        )}
      </svg>
      <div class="legend">
        <span class="quiet counts-at">
          {pointed
            ? `${timesText(pointed)}: ${number(pointed.total)}`
            : `${number(total)} lines, at most ${number(most)} in ${stepText(counts.stepMs)}`}
        </span>
        {names.length > 1 &&
          names.map((name, index) => (
            <span key={name} class="legend-line">
              <span class={`counts-sign series-${index % 8}`} aria-hidden="true">
                ■
              </span>
              {name || "none"} <span class="quiet">{number(totals[index] ?? 0)}</span>
            </span>
          ))}
      </div>
      <details class="values">
        <summary>The same as a table</summary>
        <PlainTable heads={["Time", ...names.map((name) => name || "Lines"), "Narrow"]}>
          {bars.flatMap((bar, index) =>
            bar.total === 0
              ? []
              : [
                  <tr key={bar.fromMs}>
                    <td>{timesText(bar)}</td>
                    {names.map((name, series) => (
                      <td key={name}>
                        {number(bar.parts.find((part) => part.series === series)?.count ?? 0)}
                      </td>
                    ))}
                    <td>
                      <button type="button" onClick={() => choose(index, index)}>
                        Only this
                      </button>
                    </td>
                  </tr>,
                ],
          )}
        </PlainTable>
      </details>
    </div>
  );
}

const number = (value: number): string => value.toLocaleString("en");

function timesText({ fromMs, toMs }: Bar): string {
  const isDay = toMs - fromMs >= 86_400_000;
  const time = (ms: number) => {
    const date = new Date(ms);
    return isDay ? date.toLocaleDateString() : date.toLocaleTimeString(undefined, { hourCycle: "h23" });
  };
  return `${time(fromMs)} – ${time(toMs)}`;
}

function stepText(ms: number): string {
  const units = [
    [86_400_000, "day"],
    [3_600_000, "hour"],
    [60_000, "minute"],
    [1_000, "second"],
  ] as const;
  const [unit, name] = units.find(([one]) => ms >= one && ms % one === 0) ?? [1, "ms"];
  const count = ms / unit;
  return count === 1
    ? `a ${name}`.replace("a hour", "an hour")
    : `${count} ${name}${name === "ms" ? "" : "s"}`;
}
