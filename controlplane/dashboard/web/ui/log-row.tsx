import { type Level, type LogLine, levelOf, shownText } from "../model/log-line.ts";
import type { Matcher } from "../model/log-search.ts";

const signs: Readonly<Record<Level, string>> = { error: "✕", warn: "▲", info: "·", debug: "·" };

/** Whose a line is. */
export interface Tag {
  readonly text: string;
  /** Which of the colours stands beside the name. */
  readonly series: number;
}

interface RowProps {
  readonly line: LogLine;
  readonly number: number;
  readonly topPx: number;
  readonly tag: Tag | undefined;
  /** 0: there is only one source. */
  readonly nameCells: number;
  /** 0: times are not shown. */
  readonly timeCells: number;
  readonly readsJson: boolean;
  readonly matcher: Matcher | undefined;
  readonly isSelected: boolean;
}

/** A line: when, whose, how grave (a sign and a colour), and what it says. */
export function LogRow(props: RowProps) {
  const { line, topPx, tag, nameCells, timeCells, readsJson, matcher, isSelected, number } = props;
  const style = { transform: `translateY(${topPx}px)` };
  if (line.source < 0)
    return (
      <div class="log-line log-note" style={style}>
        – {line.text} –
      </div>
    );
  const level = levelOf(line.text);
  return (
    <div
      class={`log-line${isSelected ? " log-selected" : ""}${level ? ` log-${level}` : ""}`}
      style={style}
      data-number={number}
    >
      <span class="log-sign" title={level}>
        {level ? signs[level] : " "}
      </span>
      {timeCells > 0 && (
        <span class="log-time" style={{ width: `${timeCells}ch` }}>
          {timeCells < 20 ? line.stamp.slice(11, 19) : line.stamp.slice(0, 23)}
        </span>
      )}
      {nameCells > 0 && tag && (
        <span class={`log-tag series-${tag.series % 8}`} title={tag.text} style={{ width: `${nameCells}ch` }}>
          {tag.text}
        </span>
      )}
      <span class="log-text">{marked(shownText(line.text, readsJson), matcher)}</span>
    </div>
  );
}

/** The text with what was looked for marked. */
function marked(text: string, matcher: Matcher | undefined) {
  const places = matcher?.places(text) ?? [];
  if (places.length === 0) return text;
  const ends = [0, ...places.map(([, end]) => end)];
  return [
    ...places.map(([start, end], at) => [
      text.slice(ends[at], start),
      <mark key={start}>{text.slice(start, end)}</mark>,
    ]),
    text.slice(ends.at(-1)),
  ];
}
