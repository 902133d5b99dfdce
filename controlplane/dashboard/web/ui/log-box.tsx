import { type Signal, signal, useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import type { LogStreams } from "../api/log-streams.ts";
import type { Level } from "../model/log-line.ts";
import { LogRows, lowerBound } from "../model/log-rows.ts";
import type { Matcher } from "../model/log-search.ts";
import { shortNames } from "../model/log-sources.ts";
import { LogDetails } from "./log-details.tsx";
import { LogRow, type Tag } from "./log-row.tsx";

const linePx = 19;
/** Rows beyond the edges that are drawn so that a scroll shows no gap. */
const beyond = 20;
/** How long lines are read at a time. */
const readMs = 10;
const nameCellsMost = 24;
/** A box with fewer shows shorter names and times. */
const narrowCells = 80;

/** A step to the next match (1) or the one before (-1), wished for by the search field. */
export const logKeys = signal<{ readonly step: 1 | -1 } | undefined>(undefined);

interface BoxProps {
  readonly streams: LogStreams;
  readonly matcher: Matcher | undefined;
  readonly onlyMatches: boolean;
  readonly leastLevel: Level | undefined;
  readonly wraps: boolean;
  readonly showsTime: boolean;
  readonly readsJson: boolean;
  readonly namesSource: boolean;
  readonly count: Signal<{ readonly rows: number; readonly matches: number; readonly at: number }>;
}

/** The lines of a log; those in sight are in the document. */
export function LogBox(props: BoxProps) {
  const { streams, matcher, onlyMatches, leastLevel, wraps, showsTime, readsJson, namesSource, count } =
    props;
  const { buffer, sources } = streams;
  const box = useRef<HTMLDivElement>(null);
  const place = useSignal({ top: 0, height: 600, cells: 100 });
  const tick = useSignal(0);
  const isFollowing = useSignal(true);
  const selected = useSignal<number | undefined>(undefined);
  /** How far what is in sight has moved up, since lines before it were dropped. */
  const moved = useRef(0);
  const tags = useMemo(() => tagsOf(streams), [streams, sources.length]);
  const isNarrow = place.value.cells < narrowCells;
  const timeCells = showsTime ? (isNarrow ? 9 : 24) : 0;
  const longest = Math.max(...tags.map(({ text }) => text.length), 0);
  const nameCells = namesSource ? Math.min(isNarrow ? 8 : nameCellsMost, longest) : 0;
  const headCells = 3 + timeCells + (nameCells > 0 ? nameCells + 2 : 0);
  const wrapCells = wraps ? Math.max(10, place.value.cells - headCells) : undefined;
  const rows = useMemo(
    () => new LogRows(buffer, { matcher, onlyMatches, leastLevel, wrapCells, readsJson }),
    [buffer, matcher, onlyMatches, leastLevel, wrapCells, readsJson],
  );

  useEffect(() => {
    let frame = 0;
    const readOn = () => {
      frame = 0;
      moved.current += rows.forget();
      const untilMs = performance.now() + readMs;
      rows.read(() => performance.now() < untilMs);
      tick.value++;
      if (rows.unread > 0) frame = requestAnimationFrame(readOn);
    };
    const unsubscribe = streams.version.subscribe(() => {
      rows.changed(streams.changedFrom);
      if (frame === 0) frame = requestAnimationFrame(readOn);
    });
    return () => {
      unsubscribe();
      cancelAnimationFrame(frame);
    };
  }, [streams, rows]);

  const measure = () => {
    const at = box.current;
    if (at === null) return;
    const { scrollTop: top, clientHeight: height, clientWidth } = at;
    const cells = Math.floor((clientWidth - 24) / cellPx(at));
    const old = place.value;
    if (old.top !== top || old.height !== height || old.cells !== cells) place.value = { top, height, cells };
  };
  useEffect(() => {
    if (box.current === null) return;
    const seen = new ResizeObserver(measure);
    seen.observe(box.current);
    return () => seen.disconnect();
  }, []);

  void tick.value;
  const { length } = rows.numbers;
  useLayoutEffect(() => {
    const at = box.current;
    if (at === null) return;
    if (isFollowing.value) at.scrollTop = at.scrollHeight;
    else if (moved.current > 0) at.scrollTop -= moved.current * linePx;
    moved.current = 0;
    measure();
  });
  useEffect(() => {
    const at = selected.value === undefined ? 0 : lowerBound(rows.matches, selected.value + 1);
    const next = { rows: length, matches: rows.matches.length, at };
    const old = count.value;
    if (old.rows !== next.rows || old.matches !== next.matches || old.at !== next.at) count.value = next;
  });

  const goTo = (number: number) => {
    selected.value = number;
    isFollowing.value = false;
    const at = box.current;
    const row = lowerBound(rows.numbers, number);
    if (at !== null) at.scrollTop = Math.max(0, rows.top(row) * linePx - at.clientHeight / 2);
  };
  const step = (by: 1 | -1, among: readonly number[]) => {
    if (among.length === 0) return;
    const from = selected.value ?? rows.numbers[rows.rowAt(place.value.top / linePx)] ?? 0;
    const found = lowerBound(among, by > 0 ? from + (selected.value === undefined ? 0 : 1) : from);
    const next = by > 0 ? found : found - 1;
    goTo(among[(next + among.length) % among.length] ?? 0);
  };
  const wish = logKeys.value;
  useEffect(() => {
    if (wish === undefined) return;
    logKeys.value = undefined;
    step(wish.step, rows.matches);
  }, [wish]);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const isUp = event.key === "ArrowUp" || event.key === "p";
    if (event.key === "Escape") selected.value = undefined;
    else if (event.key === "n" || event.key === "p") step(isUp ? -1 : 1, rows.matches);
    else if (event.key === "End") isFollowing.value = true;
    else if (event.key === "Enter") goTo(selected.value ?? rows.numbers.at(-1) ?? 0);
    else if (selected.value !== undefined && event.key.startsWith("Arrow")) step(isUp ? -1 : 1, rows.numbers);
    else return;
    event.preventDefault();
  };

  const firstRow = Math.max(0, rows.rowAt(place.value.top / linePx) - beyond);
  const lastRow = rows.rowAt((place.value.top + place.value.height) / linePx) + beyond;
  const line = selected.value === undefined ? undefined : buffer.line(selected.value);
  return (
    <>
      <div class="log-frame">
        <div
          class={wraps ? "log-box log-wraps" : "log-box"}
          ref={box}
          onScroll={() => {
            const at = box.current;
            if (at) isFollowing.value = at.scrollHeight - at.scrollTop - at.clientHeight < 2 * linePx;
            measure();
          }}
          onKeyDown={onKeyDown}
          onClick={({ target }) => {
            const row = target instanceof Element ? target.closest("[data-number]") : null;
            if (row instanceof HTMLElement) selected.value = Number(row.dataset.number);
          }}
          role="log"
          aria-live="off"
          aria-label="Log"
          tabIndex={0}
        >
          <div style={{ height: `${rows.height * linePx}px` }}>
            {rows.numbers.slice(firstRow, lastRow).map((number, at) => {
              const one = buffer.line(number);
              if (one === undefined) return null;
              return (
                <LogRow
                  key={number}
                  line={one}
                  number={number}
                  topPx={rows.top(firstRow + at) * linePx}
                  tag={tags[one.source]}
                  nameCells={nameCells}
                  timeCells={timeCells}
                  readsJson={readsJson}
                  matcher={matcher}
                  isSelected={number === selected.value}
                />
              );
            })}
          </div>
        </div>
        {!isFollowing.value && (
          <button type="button" class="log-newest" onClick={() => (isFollowing.value = true)}>
            Follow ↓
          </button>
        )}
      </div>
      {line !== undefined && line.source >= 0 && (
        <LogDetails line={line} source={sources[line.source]} onClose={() => (selected.value = undefined)} />
      )}
    </>
  );
}

/** What stands before each source's lines: a name, and a colour for each pod. */
function tagsOf({ sources }: LogStreams): readonly Tag[] {
  const pods = [...new Set(sources.map(({ pod }) => pod))];
  const names = shortNames(pods);
  const containers = new Set(sources.map(({ container }) => container));
  return sources.map(({ pod, container }) => {
    const series = pods.indexOf(pod);
    const name = names[series] ?? pod;
    if (pods.length === 1) return { text: container, series };
    return { text: containers.size === 1 ? name : `${name} ${container}`, series };
  });
}

let cellWidthPx = 0;

/** The width of a letter in the box's font. */
function cellPx(box: HTMLElement): number {
  if (cellWidthPx > 0) return cellWidthPx;
  const probe = document.createElement("div");
  probe.className = "log-line";
  probe.style.minWidth = probe.style.width = "max-content";
  probe.textContent = "0".repeat(100);
  box.append(probe);
  cellWidthPx = (probe.getBoundingClientRect().width - 24) / 100 || 8;
  probe.remove();
  return cellWidthPx;
}
