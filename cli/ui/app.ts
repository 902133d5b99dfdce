import { type Clock, systemClock } from "../../base/os/clock.ts";
import { describeError } from "../../base/os/log.ts";
import type { RestClient } from "../../client/rest.ts";
import { OperatorError } from "../command.ts";
import type { DiscoveredResource } from "../kubectl/discovery.ts";
import { parseCommand, suggestion, type UiCommand } from "./commands.ts";
import { printable, type Style } from "./drawing.ts";
import { Forwards } from "./forwards.ts";
import { ObjectsPage } from "./objects-page.ts";
import type { Binding, Page } from "./page.ts";
import { aliasesPage, contextsPage, forwardsPage, helpPage, whyPage } from "./plain-pages.ts";
import type { KindName, ObjectsScope, Screen } from "./screen.ts";

/** A line that is being written at the head of the screen. */
export interface Prompt {
  readonly is: "command" | "filter" | "ask" | "confirm";
  readonly label: string;
  readonly text: string;
}

interface Asked extends Prompt {
  readonly answer: (text: string | undefined) => void;
}

export interface Flash {
  readonly text: string;
  readonly style: Style;
}

/** Which cluster one looks at, and as what. */
export interface Place {
  readonly client: RestClient;
  readonly kinds: readonly DiscoveredResource[];
  readonly context: string | undefined;
  readonly contexts: readonly string[];
  readonly version: string;
}

export interface AppOptions {
  readonly place: Place;
  readonly namespace: string | undefined;
  readonly isReadonly: boolean;
  /** Looks at another cluster. */
  readonly placeOf: (context: string) => Promise<Place>;
  /** Leaves the screen for what is done meanwhile. */
  readonly outside: (act: () => Promise<void>) => Promise<void>;
  readonly copy: (text: string) => void;
  readonly quit: () => void;
  readonly clock?: Clock;
}

const flashMs = { plain: 4_000, other: 10_000 } as const;
const recentMost = 9;

/** What is on the screen and what keys do: pages upon each other, a line that is being written, a word of what happened. */
export class App implements Screen {
  readonly clock: Clock;
  readonly forwards = new Forwards(() => this.changed());
  readonly #options: AppOptions;
  readonly #listeners = new Set<() => void>();
  #place: Place;
  #namespace: string | undefined;
  #recent: readonly string[];
  #pages: readonly Page[] = [];
  #prompt: Asked | undefined;
  #flash: Flash | undefined;
  #unflash: (() => void) | undefined;
  hasHeader = true;
  /** Rises with every change. */
  version = 0;

  constructor(options: AppOptions) {
    this.#options = options;
    this.clock = options.clock ?? systemClock;
    this.#place = options.place;
    this.#namespace = options.namespace;
    this.#recent = options.namespace === undefined ? ["default"] : [options.namespace];
  }

  get client(): RestClient {
    return this.#place.client;
  }
  get kinds(): readonly DiscoveredResource[] {
    return this.#place.kinds;
  }
  get place(): Place {
    return this.#place;
  }
  get namespace(): string | undefined {
    return this.#namespace;
  }
  get isReadonly(): boolean {
    return this.#options.isReadonly;
  }
  get page(): Page | undefined {
    return this.#pages.at(-1);
  }
  get crumbs(): readonly string[] {
    return this.#pages.map(({ crumb }) => crumb);
  }
  get prompt(): Prompt | undefined {
    return this.#prompt;
  }
  get flashed(): Flash | undefined {
    return this.#flash;
  }
  /** What would complete the command that is being written. */
  get suggested(): string {
    return this.#prompt?.is === "command" ? suggestion(this.#prompt.text, this.kinds) : "";
  }
  /** The namespaces that digits lead to. */
  get recentNamespaces(): readonly string[] {
    return this.#recent;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  changed(): void {
    this.version++;
    for (const listener of this.#listeners) listener();
  }

  isShown(page: Page): boolean {
    return this.page === page;
  }

  open(page: Page): void {
    this.#flash = undefined;
    this.#pages = [...this.#pages, page];
    this.changed();
  }

  openObjects(kind: KindName, scope: Partial<ObjectsScope>): void {
    this.open(this.#objects(kind, scope));
  }

  showObjects(kind: KindName, scope: Partial<ObjectsScope>): void {
    this.#show(this.#objects(kind, scope));
  }

  #objects({ plural, group }: KindName, scope: Partial<ObjectsScope>): ObjectsPage {
    const kind = this.kinds.find((one) => one.plural === plural && one.group === group);
    if (kind === undefined) throw new OperatorError(`the server serves no ${plural}`);
    return new ObjectsPage(this, kind, { namespace: undefined, ...scope });
  }

  #show(page: Page): void {
    const before = this.#pages;
    this.#flash = undefined;
    this.#pages = [page];
    for (const one of before) one.close();
    this.changed();
  }

  back(): void {
    if (this.#pages.length < 2) return;
    this.#flash = undefined;
    this.#pages.at(-1)?.close();
    this.#pages = this.#pages.slice(0, -1);
    this.changed();
  }

  goToNamespace(namespace: string | undefined): void {
    this.#namespace = namespace;
    if (namespace !== undefined)
      this.#recent = [namespace, ...this.#recent.filter((one) => one !== namespace)].slice(0, recentMost);
    this.changed();
  }

  goToContext(name: string): void {
    void this.attempt(async () => {
      const place = await this.#options.placeOf(name);
      const { client } = this.#place;
      this.forwards.close();
      this.#place = place;
      this.#namespace = place.client.config.namespace;
      this.#recent = [place.client.config.namespace];
      this.start("pods");
      client.close();
      return `looking at ${name}`;
    });
  }

  /** Shows a kind, as `:` would. */
  start(line: string): void {
    this.#command(line);
    if (this.page === undefined) this.#command("pods");
  }

  flash(text: string, style: Style = "plain"): void {
    this.#unflash?.();
    this.#flash = { text: printable(text), style };
    this.#unflash = this.clock.after(style === "plain" ? flashMs.plain : flashMs.other, () => {
      this.#flash = undefined;
      this.changed();
    });
    this.changed();
  }

  ask(label: string, text = ""): Promise<string | undefined> {
    return new Promise((answer) => this.#prompting({ is: "ask", label, text }, answer));
  }

  confirm(question: string): Promise<boolean> {
    return new Promise((resolve) =>
      this.#prompting({ is: "confirm", label: `${question} y or n`, text: "" }, (text) =>
        resolve(text === "y"),
      ),
    );
  }

  async attempt(act: () => Promise<string | undefined>): Promise<void> {
    try {
      const said = await act();
      if (said !== undefined) this.flash(said);
    } catch (error) {
      this.flash(describeError(error), "bad");
    }
  }

  outside(act: () => Promise<void>): Promise<void> {
    return this.#options.outside(act);
  }

  copy(text: string): void {
    this.#options.copy(text);
    this.flash(`copied: ${text.length > 60 ? `${text.length} characters` : text}`);
  }

  close(): void {
    for (const page of this.#pages) page.close();
    this.#pages = [];
    this.#unflash?.();
    this.forwards.close();
    this.client.close();
  }

  #prompting(prompt: Prompt, answer: (text: string | undefined) => void): void {
    this.#prompt?.answer(undefined);
    this.#prompt = { ...prompt, answer };
    this.changed();
  }

  press(key: string): void {
    const text = key === "space" ? " " : [...key].length === 1 ? key : "";
    if (this.#prompt !== undefined) {
      this.#write(this.#prompt, key, text);
      return;
    }
    const binding = this.bindings.find((one) => one.key === key);
    if (binding?.changes && this.isReadonly) this.flash(`${binding.help}: not with --readonly`, "warn");
    else binding?.does();
  }

  #write(prompt: Asked, key: string, typed: string): void {
    if (key === "esc" || key === "ctrl-c") this.#answer(prompt, undefined);
    else if (prompt.is === "confirm") this.#answer(prompt, /^y$/i.test(typed) ? "y" : undefined);
    else if (key === "enter") this.#answer(prompt, prompt.text);
    else {
      const text = edited(prompt.text, key, typed, this.suggested);
      this.#prompt = { ...prompt, text };
      if (prompt.is === "filter" && text !== prompt.text) this.page?.setFilter(text);
      this.changed();
    }
  }

  #answer(prompt: Asked, text: string | undefined): void {
    this.#prompt = undefined;
    prompt.answer(text);
    this.changed();
  }

  /** Those of the page, then those of everywhere. */
  get bindings(): readonly Binding[] {
    return [...(this.page?.bindings ?? []), ...this.#everywhere];
  }

  get #everywhere(): readonly Binding[] {
    const minor = (key: string, help: string, does: () => void): Binding => ({
      key,
      help,
      isMinor: true,
      does,
    });
    return [
      {
        key: ":",
        help: "Command",
        does: () =>
          this.#prompting(
            { is: "command", label: ":", text: "" },
            (text) => text !== undefined && this.#command(text),
          ),
      },
      { key: "/", help: "Filter", does: () => this.#filter() },
      { key: "?", help: "Help", does: () => this.open(helpPage(this, this.bindings)) },
      { key: "esc", help: "Back", does: () => this.#escape() },
      { key: "q", help: "Back, or quit", isMinor: true, does: () => this.#backOrQuit() },
      minor("ctrl-a", "All kinds", () => this.open(aliasesPage(this))),
      minor("ctrl-e", "Header on or off", () => {
        this.hasHeader = !this.hasHeader;
        this.changed();
      }),
      minor("ctrl-c", "Quit", () => this.#options.quit()),
      minor("0", "All namespaces", () => this.#inNamespace(undefined)),
      ...this.#recent.map((namespace, at) =>
        minor(String(at + 1), `Namespace ${namespace}`, () => this.#inNamespace(namespace)),
      ),
    ];
  }

  #filter(): void {
    const { page } = this;
    if (page === undefined) return;
    const before = page.filter;
    this.#prompting({ is: "filter", label: "/", text: before }, (text) => page.setFilter(text ?? ""));
  }

  #escape(): void {
    const { page } = this;
    if (page !== undefined && page.filter !== "") page.setFilter("");
    else this.back();
  }

  #backOrQuit(): void {
    if (this.#pages.length > 1) this.back();
    else this.#options.quit();
  }

  /** The same kind in another namespace. */
  #inNamespace(namespace: string | undefined): void {
    this.goToNamespace(namespace);
    const { page } = this;
    if (page instanceof ObjectsPage && page.kind.namespaced)
      this.showObjects(page.kind, { namespace, filter: page.filter });
  }

  #command(line: string): void {
    const command = parseCommand(line, this.kinds);
    if (command.is === "quit") this.#options.quit();
    else if (command.is === "unknown") this.flash(command.text, "bad");
    else if (command.is === "contexts" && command.name !== undefined) this.goToContext(command.name);
    else if (command.is === "kind") {
      const { kind, namespace, filter, labels } = command;
      if (namespace !== undefined && kind.namespaced) this.goToNamespace(namespace ?? undefined);
      const scope = { namespace: this.#namespace, filter, labels: labels === "" ? undefined : labels };
      this.showObjects(kind, scope);
    } else if (command.is !== "nothing") this.open(this.#plainPage(command));
  }

  #plainPage(command: Exclude<UiCommand, { readonly is: "quit" | "unknown" | "kind" | "nothing" }>): Page {
    switch (command.is) {
      case "help":
        return helpPage(this, this.bindings);
      case "aliases":
        return aliasesPage(this);
      case "forwards":
        return forwardsPage(this);
      case "why":
        return whyPage(this, command.isAll ? undefined : this.#namespace);
      case "contexts":
        return contextsPage(this, this.#place.contexts, this.#place.context);
    }
  }
}

/** What is written after a key. */
function edited(text: string, key: string, typed: string, suggested: string): string {
  if (key === "backspace") return [...text].slice(0, -1).join("");
  if (key === "ctrl-u") return "";
  if (key === "ctrl-w") return text.replace(/\S*\s*$/, "");
  if (key === "tab" || key === "right") return text + suggested;
  return text + printable(typed);
}
