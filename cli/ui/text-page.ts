import { type Line, printable, type Size } from "./drawing.ts";
import { movingBindings } from "./moving.ts";
import type { Binding, Page } from "./page.ts";
import type { Screen } from "./screen.ts";
import { drawText, nextMatch, rowsOf, type TextLine, topMost } from "./text-view.ts";

/** A text that one scrolls and searches in: YAML, a description, why something does not run. */
export class TextPage implements Page {
  readonly crumb: string;
  readonly #screen: Screen;
  readonly #subject: string;
  readonly #load: (signal: AbortSignal) => Promise<readonly TextLine[]>;
  readonly #ending = new AbortController();
  #lines: readonly TextLine[] = [];
  #state: string | undefined = "loading";
  #top = 0;
  #isWrapped = false;
  #search = "";
  #size: Size = { width: 80, height: 1 };

  /** @param load Asked at once, and again with `r`. */
  constructor(
    screen: Screen,
    crumb: string,
    subject: string,
    load: (signal: AbortSignal) => Promise<readonly TextLine[]>,
  ) {
    this.#screen = screen;
    this.crumb = crumb;
    this.#subject = subject;
    this.#load = load;
    void this.#read();
  }

  get title(): string {
    return `${this.crumb}(${this.#subject})`;
  }
  get state(): string | undefined {
    return this.#state;
  }
  get filter(): string {
    return this.#search;
  }
  close(): void {
    this.#ending.abort();
  }

  async #read(): Promise<void> {
    try {
      const lines = await this.#load(this.#ending.signal);
      this.#lines = lines.map((line) => ({ ...line, text: printable(line.text) }));
      this.#state = undefined;
    } catch (error) {
      if (this.#ending.signal.aborted) return;
      this.#state = undefined;
      this.#lines = [
        { text: error instanceof Error ? printable(error.message) : String(error), style: "bad" },
      ];
    }
    this.#screen.changed();
  }

  setFilter(text: string): void {
    this.#search = text;
    this.#find(1, -1);
  }

  #find(step: 1 | -1, from = this.#top): void {
    const at = nextMatch(this.#rows, this.#search, from, step);
    if (at < 0 && this.#search !== "") this.#screen.flash(`nothing has "${this.#search}"`, "warn");
    if (at >= 0) this.#goTo(at);
    else this.#screen.changed();
  }

  get #rows(): readonly TextLine[] {
    return rowsOf(this.#lines, this.#size.width, this.#isWrapped);
  }

  #goTo(top: number): void {
    this.#top = Math.max(0, Math.min(top, topMost(this.#rows.length, this.#size.height)));
    this.#screen.changed();
  }

  draw(size: Size): readonly Line[] {
    this.#size = size;
    const rows = this.#rows;
    this.#top = Math.min(this.#top, topMost(rows.length, size.height));
    return drawText(rows, { top: this.#top, search: this.#search }, size);
  }

  get bindings(): readonly Binding[] {
    const page = () => this.#size.height;
    const minor = (key: string, help: string, does: () => void): Binding => ({
      key,
      help,
      isMinor: true,
      does,
    });
    return [
      { key: "w", help: "Wrap", does: () => this.#wrap() },
      { key: "r", help: "Read again", does: () => void this.#read() },
      {
        key: "c",
        help: "Copy",
        does: () => this.#screen.copy(this.#lines.map(({ text }) => text).join("\n")),
      },
      { key: "n", help: "Next match", does: () => this.#find(1) },
      minor("N", "Match before", () => this.#find(-1)),
      minor("space", "Page down", () => this.#goTo(this.#top + page())),
      ...movingBindings({
        by: (rows) => this.#goTo(this.#top + rows),
        page,
        toTop: () => this.#goTo(0),
        toEnd: () => this.#goTo(this.#rows.length),
      }),
    ];
  }

  #wrap(): void {
    this.#isWrapped = !this.#isWrapped;
    this.#screen.changed();
  }
}
