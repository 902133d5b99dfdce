import { Box, Text, useInput, useStdout } from "ink";
import { useEffect, useState, useSyncExternalStore } from "react";
import type { App } from "./app.ts";
import { fitted, type Line, printable, type Size, type Span, type Style, widthOf } from "./drawing.ts";
import { keysOf } from "./keys.ts";

/** Colours of the terminal's own palette, so that its theme holds; without colours all is still told by signs and words. */
const colours: Readonly<Record<Style, string | undefined>> = {
  accent: "cyan",
  bad: "red",
  busy: "yellow",
  good: "green",
  head: "blue",
  plain: undefined,
  quiet: "gray",
  warn: "magenta",
};

const headerLines = 6;
/** On smaller screens the page has the room of the header. */
const heightForHeader = 20;
const widthForHints = 70;

export function View({ app }: { readonly app: App }) {
  useSyncExternalStore(
    (listener) => app.subscribe(listener),
    () => app.version,
  );
  const { width, height } = useSize();
  useInput((input, key) => {
    for (const name of keysOf(input, key)) app.press(name);
  });
  const { page, prompt, flashed } = app;
  const hasHeader = app.hasHeader && height >= heightForHeader;
  const bodyHeight = Math.max(1, height - (hasHeader ? headerLines : 0) - 3 - (prompt ? 1 : 0));
  const lines = page?.draw({ width, height: bodyHeight }) ?? [];
  const title = page === undefined ? "" : `${page.title}${page.filter === "" ? "" : ` /${page.filter}`}`;
  return (
    <Box flexDirection="column" width={width} height={height}>
      {hasHeader && <Header app={app} width={width} />}
      {prompt && (
        <Row
          width={width}
          line={[
            {
              text: prompt.is === "command" || prompt.is === "filter" ? prompt.label : `${prompt.label}: `,
              style: "accent",
              isBold: true,
            },
            { text: prompt.text },
            { text: " ", isInverse: true },
            { text: app.suggested, style: "quiet" },
          ]}
        />
      )}
      <Row width={width} line={titleLine(title, page?.state ?? "", width)} />
      {Array.from({ length: bodyHeight }, (_, at) => (
        <Row key={at} width={width} line={lines[at] ?? []} />
      ))}
      <Row width={width} line={[{ text: `<${app.crumbs.join("> <")}>`, style: "quiet" }]} />
      <Row width={width} line={flashed === undefined ? [] : [{ text: flashed.text, style: flashed.style }]} />
    </Box>
  );
}

function Row({ line, width }: { readonly line: Line; readonly width: number }) {
  return (
    <Box height={1} width={width}>
      <Text wrap="truncate">
        {line.length === 0 ? " " : line.map((span, at) => <Piece key={at} span={span} />)}
      </Text>
    </Box>
  );
}

function Piece({
  span: { text, style = "plain", isInverse = false, isBold = false },
}: {
  readonly span: Span;
}) {
  const color = colours[style];
  return (
    <Text {...(color !== undefined && { color })} inverse={isInverse} bold={isBold}>
      {text}
    </Text>
  );
}

function titleLine(title: string, state: string, width: number): Line {
  const said = state === "" ? "" : ` ${printable(state)} `;
  const text = ` ${printable(title)} `;
  const rule = Math.max(0, width - widthOf(text) - widthOf(said) - 4);
  return [
    { text: "──", style: "quiet" },
    { text: fitted(text, Math.min(widthOf(text), width - 4)), style: "accent", isBold: true },
    { text: "─".repeat(rule), style: "quiet" },
    { text: said, style: state.startsWith("not live") ? "bad" : "quiet" },
    { text: "──", style: "quiet" },
  ];
}

function Header({ app, width }: { readonly app: App; readonly width: number }) {
  const { place, namespace, recentNamespaces, isReadonly } = app;
  const facts: readonly (readonly [string, string])[] = [
    ["Context", place.context ?? "–"],
    ["Server", place.client.config.servers[0] ?? ""],
    ["Namespace", namespace ?? "all"],
    ["Kubernetes", `${place.version}${isReadonly ? " · read only" : ""}`],
  ];
  const left = facts.map(
    ([label, value]): Line => [
      { text: fitted(`${label}:`, 12), style: "quiet" },
      { text: printable(value), isBold: true },
    ],
  );
  const spaces = [
    ["0", "all"],
    ...recentNamespaces.slice(0, headerLines - 1).map((name, at) => [String(at + 1), name]),
  ].map(([key = "", name = ""]): Line => [{ text: `<${key}> `, style: "accent" }, { text: printable(name) }]);
  const major = app.bindings.filter(({ isMinor }) => !isMinor);
  const hints = major.map(
    ({ key, help, changes }): Line => [
      { text: `<${key}> `, style: "accent" },
      { text: help, ...(changes && isReadonly && { style: "quiet" as const }) },
    ],
  );
  const columns: Line[][] = [];
  for (let at = 0; at < hints.length; at += headerLines) columns.push(hints.slice(at, at + headerLines));
  const factsWidth = Math.min(44, Math.floor(width / 3));
  return (
    <Box height={headerLines} width={width} overflow="hidden">
      <Column lines={left} width={factsWidth} />
      {width >= widthForHints && <Column lines={spaces} width={20} />}
      {width >= widthForHints &&
        columns.map((lines) => (
          <Column
            key={lineText(lines[0])}
            lines={lines}
            width={Math.max(...lines.map((line) => widthOf(lineText(line)))) + 2}
          />
        ))}
    </Box>
  );
}

const lineText = (line: Line | undefined): string => (line ?? []).map(({ text }) => text).join("");

function Column({ lines, width }: { readonly lines: readonly Line[]; readonly width: number }) {
  return (
    <Box flexDirection="column" width={width} flexShrink={0}>
      {lines.map((line) => (
        <Row key={lineText(line)} line={line} width={width} />
      ))}
    </Box>
  );
}

function useSize(): Size {
  const { stdout } = useStdout();
  // One line less than the terminal has, or Ink would draw all anew each time.
  const now = () => ({ width: stdout.columns || 80, height: Math.max(5, (stdout.rows || 24) - 1) });
  const [size, setSize] = useState(now);
  useEffect(() => {
    const onResize = () => setSize(now());
    stdout.on("resize", onResize);
    return () => void stdout.off("resize", onResize);
  });
  return size;
}
