import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import {
  ageText,
  arrange,
  type Column,
  isAge,
  type Row,
  rowKey,
} from "../../../../client/rules/printed-table.ts";
import { toneOf, toneSigns } from "../../../../client/rules/tone.ts";
import type { TableFeed } from "../api/table-feed.ts";
import { param, setParams } from "../route.ts";
import { nowMs } from "./clock.ts";
import { Icon } from "./icons.tsx";

const rowPx = 34;
/** Rows beyond the edges that are drawn so that a fast scroll shows no gap. */
const beyond = 12;
/** How often a large table is put in order again while it changes. */
const settleMs = 150;

interface TableProps {
  readonly feed: TableFeed;
  readonly label: string;
  readonly showsNamespace: boolean;
  readonly hrefOf: (row: Row) => string;
  readonly onCount?: (shown: number, all: number) => void;
  /** It is one of several of a view: as high as its rows, and its order is not the address's. */
  readonly isPart?: boolean;
  readonly isShown?: (row: Row) => boolean;
}

const partRowsMost = 12;

/** A live table. Only the rows in sight are in the document; order and filter stand in the address. */
export function FeedTable({
  feed,
  label,
  showsNamespace,
  hrefOf,
  onCount,
  isPart = false,
  isShown,
}: TableProps) {
  const isWide = !isPart && param("wide") === "1";
  const columns = feed.columns.value;
  const shown = useMemo(
    () =>
      columns.map((column, at) => ({ column, at })).filter(({ column }) => isWide || column.priority === 0),
    [columns, isWide],
  );
  const ownSort = useSignal("");
  const sort = isPart ? ownSort.value : param("sort");
  const onSort = (next: string) => {
    if (isPart) ownSort.value = next;
    else setParams({ sort: next });
  };
  const sortName = sort.replace(/^-/, "");
  const view = {
    words: isPart ? "" : param("q"),
    sortBy: sortName === "" ? (showsNamespace ? -1 : 0) : columns.findIndex(({ name }) => name === sortName),
    descending: sort.startsWith("-"),
  };
  const version = useSettled(feed);
  const rows = useMemo(
    () => arrange(isShown ? [...feed.items.values()].filter(isShown) : feed.items.values(), columns, view),
    [feed, version, columns, view.words, view.sortBy, view.descending],
  );
  useEffect(() => onCount?.(rows.length, feed.items.size), [rows, feed.items.size, onCount]);
  const box = useRef<HTMLDivElement>(null);
  const window = useSignal({ first: 0, last: 60 });
  const measure = () => {
    const { scrollTop = 0, clientHeight = 800 } = box.current ?? {};
    const first = Math.max(0, Math.floor(scrollTop / rowPx) - beyond);
    const last = Math.ceil((scrollTop + clientHeight) / rowPx) + beyond;
    if (window.value.first !== first || window.value.last !== last) window.value = { first, last };
  };
  useEffect(() => {
    if (box.current === null) return;
    const seen = new ResizeObserver(measure);
    seen.observe(box.current);
    return () => seen.disconnect();
  }, []);
  // Widths settle as rows come, and stay while some come and go.
  const magnitude = Math.ceil(Math.log2(feed.items.size + 1));
  const template = useMemo(
    () => templateOf(shown, feed, showsNamespace),
    [shown, feed, magnitude, showsNamespace],
  );
  const heads = [...(showsNamespace ? [{ column: namespaceColumn, at: -1 }] : []), ...shown];
  const { first, last } = window.value;
  return (
    <div
      class={isPart ? "table-box table-part" : "table-box"}
      style={isPart ? { height: `${(Math.min(rows.length, partRowsMost) + 1) * rowPx + 4}px` } : {}}
      ref={box}
      onScroll={measure}
      tabIndex={0}
      role="region"
      aria-label={label}
    >
      <div
        role="table"
        aria-label={label}
        aria-rowcount={rows.length + 1}
        style={{ "--columns": template.columns, "--least": `${template.leastCh}ch` }}
        class="table"
      >
        <div role="rowgroup" class="table-head">
          <div role="row" class="row" aria-rowindex={1}>
            {heads.map(({ column, at }) => (
              <Head
                key={column.name}
                column={column}
                isSorted={view.sortBy === at}
                descending={view.descending}
                onSort={onSort}
              />
            ))}
          </div>
        </div>
        <div role="rowgroup" class="table-body" style={{ height: `${rows.length * rowPx}px` }}>
          {rows.slice(first, last).map((row, at) => (
            <RowLine
              key={rowKey(row)}
              row={row}
              at={first + at}
              columns={shown}
              showsNamespace={showsNamespace}
              href={hrefOf(row)}
            />
          ))}
        </div>
      </div>
    </div>
  );
}

const namespaceColumn: Column = { name: "Namespace", type: "string", priority: 0 };

/** The feed's version; a large feed's less often. */
function useSettled(feed: TableFeed): number {
  const settled = useSignal(0);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const settle = () => {
      timer = undefined;
      settled.value++;
    };
    const unsubscribe = feed.version.subscribe(() => {
      if (feed.items.size < 500) settle();
      else timer ??= setTimeout(settle, settleMs);
    });
    return () => {
      unsubscribe();
      clearTimeout(timer);
    };
  }, [feed]);
  return settled.value;
}

interface HeadProps {
  readonly column: Column;
  readonly isSorted: boolean;
  readonly descending: boolean;
  readonly onSort: (next: string) => void;
}

function Head({ column, isSorted, descending, onSort }: HeadProps) {
  const next = isSorted && !descending ? `-${column.name}` : column.name;
  return (
    <div
      role="columnheader"
      aria-sort={isSorted ? (descending ? "descending" : "ascending") : "none"}
      class="cell"
    >
      <button type="button" class="head-button" title={column.description} onClick={() => onSort(next)}>
        {column.name}
        {isSorted && <Icon name={descending ? "down" : "up"} />}
      </button>
    </div>
  );
}

interface LineProps {
  readonly row: Row;
  readonly at: number;
  readonly columns: readonly { readonly column: Column; readonly at: number }[];
  readonly showsNamespace: boolean;
  readonly href: string;
}

function RowLine({ row, at, columns, showsNamespace, href }: LineProps) {
  const { metadata } = row.object;
  return (
    <div
      role="row"
      aria-rowindex={at + 2}
      class={metadata.deletionTimestamp ? "row row-going" : "row"}
      style={{ transform: `translateY(${at * rowPx}px)` }}
    >
      {showsNamespace && (
        <div role="cell" class="cell quiet">
          {metadata.namespace ?? ""}
        </div>
      )}
      {columns.map(({ column, at: cell }, index) => (
        <div role="cell" class="cell" key={column.name}>
          {index === 0 ? (
            <a href={href}>{String(row.cells[cell] ?? metadata.name)}</a>
          ) : isAge(column) ? (
            <Age of={metadata.creationTimestamp} />
          ) : (
            <Value column={column.name} text={String(row.cells[cell] ?? "")} />
          )}
        </div>
      ))}
    </div>
  );
}

export function Age({ of }: { readonly of: string | undefined }) {
  const bornMs = Date.parse(of ?? "");
  const text = useComputed(() => (Number.isNaN(bornMs) ? "" : ageText(nowMs.value - bornMs)));
  return (
    <time dateTime={of} title={of}>
      {text}
    </time>
  );
}

export function Value({ column, text }: { readonly column: string; readonly text: string }) {
  const tone = toneOf(column, text);
  if (tone === undefined) return <span title={text}>{text}</span>;
  return (
    <span class={`tone tone-${tone}`} title={text}>
      <span aria-hidden="true">{toneSigns[tone]} </span>
      {text}
    </span>
  );
}

/** Widths by what the first rows hold; they stay while rows come and go. */
function templateOf(
  columns: readonly { readonly column: Column; readonly at: number }[],
  feed: TableFeed,
  showsNamespace: boolean,
): { readonly columns: string; readonly leastCh: number } {
  const sample: Row[] = [];
  for (const row of feed.items.values()) {
    if (sample.length >= 200) break;
    sample.push(row);
  }
  const width = (head: string, texts: readonly string[], most: number) =>
    Math.min(most, Math.max(head.length + 2, ...texts.map(({ length }) => length)));
  const widths = columns.map(({ column, at }, index) => {
    const texts = sample.map(({ cells }) => String(cells[at] ?? ""));
    const hasSigns = index > 0 && texts.some((text) => toneOf(column.name, text) !== undefined);
    const ch = width(column.name, texts, index === 0 ? 52 : 32) + (hasSigns ? 6 : 3);
    return { ch, share: index === 0 ? 3 : 1 };
  });
  const namespaces = width(
    "Namespace",
    sample.map(({ object }) => object.metadata.namespace ?? ""),
    28,
  );
  const all = [...(showsNamespace ? [{ ch: namespaces + 3, share: 1 }] : []), ...widths];
  return {
    columns: all.map(({ ch, share }) => `minmax(${ch}ch, ${share}fr)`).join(" "),
    leastCh: all.reduce((sum, { ch }) => sum + ch, 0),
  };
}
