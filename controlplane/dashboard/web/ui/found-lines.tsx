import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { LogSearch } from "../api/log-search.ts";
import { sourceName } from "../model/found-lines.ts";
import type { Matcher } from "../model/log-search.ts";
import { shortNames } from "../model/log-sources.ts";
import { LogRow, type Tag } from "./log-row.tsx";

const linePx = 19;
/** Rows beyond the edges that are drawn so that a scroll shows no gap. */
const beyond = 20;
const narrowPx = 700;

interface FoundProps {
  readonly search: LogSearch;
  readonly matcher: Matcher | undefined;
  /** The last that came stands first. */
  readonly isTurned: boolean;
  readonly readsJson: boolean;
  /** The line that is looked at, by its place among all that ever came. */
  readonly selected: Signal<number | undefined>;
}

/** Lines that were found; those in sight are in the document. */
export function FoundLinesBox({ search, matcher, isTurned, readsJson, selected }: FoundProps) {
  void search.version.value;
  const { lines, sources, dropped } = search.found;
  const box = useRef<HTMLDivElement>(null);
  const place = useSignal({ top: 0, height: 600, width: 1000 });
  const tags = useMemo(() => tagsOf(search), [search, sources.length]);
  const measure = () => {
    const at = box.current;
    if (at === null) return;
    const { scrollTop: top, clientHeight: height, clientWidth: width } = at;
    const old = place.value;
    if (old.top !== top || old.height !== height || old.width !== width) place.value = { top, height, width };
  };
  useEffect(() => {
    if (box.current === null) return;
    const seen = new ResizeObserver(measure);
    seen.observe(box.current);
    return () => seen.disconnect();
  }, []);
  const isNarrow = place.value.width < narrowPx;
  const longest = Math.max(0, ...tags.map(({ text }) => text.length));
  const nameCells = Math.min(longest, isNarrow ? 8 : 28);
  /** From the place in the box to that among the lines, and back. */
  const turned = (at: number) => (isTurned ? lines.length - 1 - at : at);

  const goTo = (row: number) => {
    const within = Math.max(0, Math.min(lines.length - 1, row));
    selected.value = turned(within) + dropped;
    const at = box.current;
    if (at === null) return;
    const topPx = within * linePx;
    if (topPx < at.scrollTop) at.scrollTop = topPx;
    else if (topPx + linePx > at.scrollTop + at.clientHeight) at.scrollTop = topPx + linePx - at.clientHeight;
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || lines.length === 0) return;
    const now = selected.value === undefined ? undefined : turned(selected.value - dropped);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) goTo(now === undefined ? Math.ceil(place.value.top / linePx) : now + step);
    else if (event.key === "Enter") goTo(now ?? Math.ceil(place.value.top / linePx));
    else if (event.key === "Escape") selected.value = undefined;
    else return;
    event.preventDefault();
  };
  const first = Math.max(0, Math.floor(place.value.top / linePx) - beyond);
  const last = Math.min(lines.length, Math.ceil((place.value.top + place.value.height) / linePx) + beyond);
  const rows = Array.from({ length: Math.max(0, last - first) }, (_, at) => first + at);
  return (
    <div
      class="log-box found-box"
      ref={box}
      role="log"
      aria-live="off"
      aria-label="Lines"
      tabIndex={0}
      onScroll={measure}
      onKeyDown={onKeyDown}
      onClick={({ target }) => {
        const row = target instanceof Element ? target.closest("[data-number]") : null;
        if (row instanceof HTMLElement) selected.value = Number(row.dataset.number);
      }}
    >
      <div style={{ height: `${lines.length * linePx}px` }}>
        {rows.map((row) => {
          const at = turned(row);
          const line = lines[at];
          const number = at + dropped;
          if (line === undefined) return null;
          return (
            <LogRow
              key={number}
              line={line}
              number={number}
              topPx={row * linePx}
              tag={tags[line.source]}
              nameCells={nameCells}
              timeCells={isNarrow ? 9 : 24}
              readsJson={readsJson}
              matcher={matcher}
              isSelected={number === selected.value}
            />
          );
        })}
      </div>
    </div>
  );
}

/** What stands before each source's lines: a name, and a colour for each pod. */
function tagsOf({ found: { sources } }: LogSearch): readonly Tag[] {
  const owners = [...new Set(sources.map((one) => one.pod ?? sourceName(one)))];
  const names = shortNames(owners);
  const containers = new Set(sources.map(({ container }) => container));
  return sources.map((one) => {
    const series = owners.indexOf(one.pod ?? sourceName(one));
    const name = (owners.length === 1 ? owners[0] : names[series]) ?? sourceName(one);
    const isPlain = one.kind !== "container" || containers.size === 1;
    return { text: isPlain ? name : `${name} ${one.container}`, series };
  });
}
