import type { LogOptions } from "../../client/rest.ts";
import type { Ref } from "../../client/types.ts";
import { type Line, printable, type Size } from "./drawing.ts";
import { movingBindings } from "./moving.ts";
import type { Binding, Page } from "./page.ts";
import { pause } from "./pause.ts";
import type { Screen } from "./screen.ts";
import { matcher } from "./table-view.ts";
import { drawText, rowsOf, type TextLine, topMost } from "./text-view.ts";

export interface LogStream {
  readonly ref: Ref;
  readonly container: string;
}

const linesMost = 10_000;
const lineCharactersMost = 16_384;
const tailLines = 500;
const againMs = 1_000;

/** How far back the digits go, as in k9s. */
const spans: readonly (readonly [key: string, text: string, seconds: number | undefined])[] = [
  ["0", "the last lines", undefined],
  ["1", "a minute", 60],
  ["2", "5 minutes", 300],
  ["3", "15 minutes", 900],
  ["4", "30 minutes", 1_800],
  ["5", "an hour", 3_600],
];

/** What containers write, as they write it. */
export class LogPage implements Page {
  readonly crumb = "logs";
  readonly #screen: Screen;
  readonly #subject: string;
  readonly #streams: readonly LogStream[];
  readonly #isPrevious: boolean;
  #following = new AbortController();
  #lines: TextLine[] = [];
  #dropped = 0;
  #open = 0;
  #isAtEnd = true;
  #isWrapped = false;
  #hasTimes = false;
  #span = 0;
  #top = 0;
  #filter = "";
  #size: Size = { width: 80, height: 1 };
  #telling: (() => void) | undefined;

  constructor(
    screen: Screen,
    subject: string,
    streams: readonly LogStream[],
    { isPrevious = false }: { readonly isPrevious?: boolean } = {},
  ) {
    this.#screen = screen;
    this.#subject = subject;
    this.#streams = streams;
    this.#isPrevious = isPrevious;
    this.#begin();
  }

  get title(): string {
    const of = this.#streams.length > 1 ? `, ${this.#streams.length} containers` : "";
    return `${this.#isPrevious ? "previous logs" : "logs"}(${this.#subject}${of}: ${spans[this.#span]?.[1]})`;
  }
  get state(): string {
    const on = (is: boolean) => (is ? "on" : "off");
    const dropped = this.#dropped > 0 ? ` · ${this.#dropped} older lines let go` : "";
    const ended = this.#open === 0 ? " · ended" : "";
    return `autoscroll ${on(this.#isAtEnd)} · wrap ${on(this.#isWrapped)} · times ${on(this.#hasTimes)}${dropped}${ended}`;
  }
  get filter(): string {
    return this.#filter;
  }
  setFilter(text: string): void {
    this.#filter = text;
    this.#screen.changed();
  }
  close(): void {
    this.#following.abort();
    this.#telling?.();
  }

  #begin(): void {
    this.#following.abort();
    this.#following = new AbortController();
    this.#lines = [];
    this.#dropped = 0;
    this.#open = this.#streams.length;
    this.#isAtEnd = true;
    for (const stream of this.#streams) void this.#follow(stream, this.#following.signal);
    this.#screen.changed();
  }

  async #follow(stream: LogStream, signal: AbortSignal): Promise<void> {
    const seconds = spans[this.#span]?.[2];
    const name = this.#streams.length > 1 ? `${stream.ref.name}/${stream.container} ` : "";
    const first: LogOptions = {
      container: stream.container,
      follow: !this.#isPrevious,
      previous: this.#isPrevious || undefined,
      timestamps: true,
      ...(seconds === undefined ? { tailLines } : { sinceSeconds: seconds }),
    };
    let lastTime: string | undefined;
    for (let options = first; !signal.aborted; ) {
      const decoder = new TextDecoder();
      let rest = "";
      try {
        for await (const chunk of this.#screen.client.logs(stream.ref, options, signal)) {
          const pieces = (rest + decoder.decode(chunk, { stream: true })).split("\n");
          rest = (pieces.pop() ?? "").slice(0, lineCharactersMost);
          for (const piece of pieces) lastTime = this.#take(name, piece) ?? lastTime;
        }
        if (rest !== "") lastTime = this.#take(name, rest) ?? lastTime;
        break; // the container has ended
      } catch (error) {
        if (signal.aborted) return;
        const text = error instanceof Error ? error.message : String(error);
        if (lastTime === undefined || this.#isPrevious) {
          this.#add({ text: printable(`${name}${text}`), style: "bad" });
          break;
        }
        this.#add({ text: printable(`${name}${text}: asking again`), style: "warn" });
        options = { ...first, tailLines: undefined, sinceSeconds: undefined, sinceTime: lastTime };
        await pause(this.#screen.clock, againMs, signal);
      }
    }
    this.#open--;
    this.#soon();
  }

  /** @returns The line's time. */
  #take(name: string, line: string): string | undefined {
    const space = line.indexOf(" ");
    const [time, text] = [line.slice(0, space), line.slice(space + 1)];
    const shown = `${this.#hasTimes ? `${time} ` : ""}${name}${text}`;
    this.#add({ text: printable(shown.slice(0, lineCharactersMost)) });
    return time === "" ? undefined : time;
  }

  #add(line: TextLine): void {
    this.#lines.push(line);
    // Let go together, so that a line costs no moving of all others.
    if (this.#lines.length > linesMost * 1.2) {
      this.#dropped += this.#lines.length - linesMost;
      this.#lines = this.#lines.slice(-linesMost);
    }
    this.#soon();
  }

  #soon(): void {
    if (this.#telling !== undefined || this.#following.signal.aborted) return;
    this.#telling = this.#screen.clock.after(100, () => {
      this.#telling = undefined;
      this.#screen.changed();
    });
  }

  get #rows(): readonly TextLine[] {
    const isWanted = matcher(this.#filter);
    const lines = this.#filter === "" ? this.#lines : this.#lines.filter(({ text }) => isWanted(text));
    return rowsOf(lines, this.#size.width, this.#isWrapped);
  }

  draw(size: Size): readonly Line[] {
    this.#size = size;
    const rows = this.#rows;
    const most = topMost(rows.length, size.height);
    this.#top = this.#isAtEnd ? most : Math.min(this.#top, most);
    return drawText(rows, { top: this.#top, search: this.#filter.startsWith("!") ? "" : this.#filter }, size);
  }

  #goTo(top: number): void {
    const most = topMost(this.#rows.length, this.#size.height);
    this.#top = Math.max(0, Math.min(top, most));
    this.#isAtEnd = top >= most;
    this.#screen.changed();
  }

  #turn({
    isAtEnd = this.#isAtEnd,
    isWrapped = this.#isWrapped,
  }: {
    isAtEnd?: boolean;
    isWrapped?: boolean;
  }): void {
    this.#isAtEnd = isAtEnd;
    this.#isWrapped = isWrapped;
    this.#screen.changed();
  }

  #clear(): void {
    this.#lines = [];
    this.#screen.changed();
  }

  get bindings(): readonly Binding[] {
    return [
      ...spans.map(
        ([key, text], at): Binding => ({
          key,
          help: `Since ${text}`,
          isMinor: at > 1,
          does: () => {
            this.#span = at;
            this.#begin();
          },
        }),
      ),
      { key: "s", help: "Autoscroll", does: () => this.#turn({ isAtEnd: !this.#isAtEnd }) },
      { key: "w", help: "Wrap", does: () => this.#turn({ isWrapped: !this.#isWrapped }) },
      {
        key: "t",
        help: "Times",
        does: () => {
          this.#hasTimes = !this.#hasTimes;
          this.#begin();
        },
      },
      {
        key: "m",
        help: "Mark",
        does: () => this.#add({ text: "─".repeat(this.#size.width), style: "accent" }),
      },
      {
        key: "c",
        help: "Copy",
        does: () => this.#screen.copy(this.#rows.map(({ text }) => text).join("\n")),
      },
      { key: "C", help: "Clear", isMinor: true, does: () => this.#clear() },
      ...movingBindings({
        by: (rows) => this.#goTo(this.#top + rows),
        page: () => this.#size.height,
        toTop: () => this.#goTo(0),
        toEnd: () => this.#goTo(Number.MAX_SAFE_INTEGER),
      }),
    ];
  }
}
