import { FitAddon } from "@xterm/addon-fit";
import { Terminal } from "@xterm/xterm";
import terminalStyle from "@xterm/xterm/css/xterm.css" with { type: "text" };
import { theme } from "../ui/theme.ts";
import { coloursAt } from "./colours.ts";
import { addSheet, setSpanStyles, withSheets } from "./strict-styles.ts";

/** What has come and is not drawn yet. Beyond it output is dropped, and said to be: a command that writes without end must not
 *  take the page's memory, and can still be interrupted. */
const pendingBytesMost = 4 * 1024 * 1024;
const scrollbackLines = 10_000;

export interface ScreenListener {
  typed(bytes: Uint8Array): void;
  resized(columns: number, rows: number): void;
  /** Whoever sits at the keyboard wishes to go on elsewhere on the page. */
  left(): void;
}

let isStyled = false;

function styleOnce(): void {
  if (isStyled) return;
  isStyled = true;
  addSheet(terminalStyle);
  setSpanStyles();
}

/** A terminal's screen and keyboard in a place of the page. */
export class Screen {
  readonly #terminal: Terminal;
  readonly #fit = new FitAddon();
  readonly #stops: (() => void)[] = [];
  #pendingBytes = 0;
  #droppedBytes = 0;

  constructor(place: HTMLElement, listener: ScreenListener) {
    styleOnce();
    const terminal = new Terminal({
      theme: coloursAt(place),
      fontFamily: getComputedStyle(place).fontFamily,
      fontSize: 13,
      lineHeight: 1.2,
      scrollback: scrollbackLines,
      minimumContrastRatio: 4.5,
      cursorBlink: false,
    });
    this.#terminal = terminal;
    terminal.loadAddon(this.#fit);
    terminal.attachCustomKeyEventHandler((event) => this.#isForShell(event, listener));
    withSheets(() => terminal.open(place));
    const encoder = new TextEncoder();
    terminal.onData((text) => listener.typed(encoder.encode(text)));
    terminal.onBinary((text) => listener.typed(Uint8Array.from(text, (one) => one.charCodeAt(0))));
    terminal.onResize(({ cols, rows }) => listener.resized(cols, rows));
    const seen = new ResizeObserver(() => this.#fit.fit());
    seen.observe(place);
    const recolour = () => {
      terminal.options.theme = coloursAt(place);
    };
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", recolour);
    this.#stops.push(
      () => seen.disconnect(),
      () => scheme.removeEventListener("change", recolour),
      theme.subscribe(recolour),
    );
    this.#fit.fit();
  }

  get size(): { readonly columns: number; readonly rows: number } {
    return { columns: this.#terminal.cols, rows: this.#terminal.rows };
  }

  /** What a process wrote. `isRaw`: it wrote to no terminal, so that its line breaks begin no new line by themselves. */
  write(bytes: Uint8Array, isRaw = false): void {
    if (this.#pendingBytes + bytes.length > pendingBytesMost) {
      this.#droppedBytes += bytes.length;
      return;
    }
    this.#terminal.options.convertEol = isRaw;
    this.#pendingBytes += bytes.length;
    this.#terminal.write(bytes, () => {
      this.#pendingBytes -= bytes.length;
      if (this.#droppedBytes === 0 || this.#pendingBytes > 0) return;
      const dropped = this.#droppedBytes;
      this.#droppedBytes = 0;
      this.note(`${dropped.toLocaleString("en")} bytes came faster than they can be shown, and were dropped`);
    });
  }

  /** A line of our own. */
  note(text: string): void {
    this.#terminal.write(`\r\n\x1b[0;2m– ${text.replace(/[\x00-\x1f\x7f-\x9f]/g, " ")} –\x1b[0m\r\n`);
  }

  clear(): void {
    this.#terminal.reset();
  }

  focus(): void {
    this.#terminal.focus();
  }

  /** What is selected, or all there is. */
  text(): string {
    const { active } = this.#terminal.buffer;
    if (this.#terminal.hasSelection()) return this.#terminal.getSelection();
    const lines = Array.from({ length: active.length }, (_, at) => active.getLine(at));
    return lines
      .map((line, at) => `${at > 0 && !line?.isWrapped ? "\n" : ""}${line?.translateToString(true) ?? ""}`)
      .join("")
      .trimEnd();
  }

  paste(text: string): void {
    this.#terminal.paste(text);
  }

  set readsAloud(isOn: boolean) {
    this.#terminal.options.screenReaderMode = isOn;
  }

  close(): void {
    for (const stop of this.#stops) stop();
    this.#terminal.dispose();
  }

  /** False: the key is ours or the browser's. */
  #isForShell(event: KeyboardEvent, listener: ScreenListener): boolean {
    const key = event.key.toLowerCase();
    const isOurs = event.ctrlKey && !event.altKey && !event.metaKey;
    if (!isOurs) return true;
    const isDown = event.type === "keydown";
    if (key === "m" && !event.shiftKey) {
      event.preventDefault();
      if (isDown) listener.left();
      return false;
    }
    if (key === "c" && this.#terminal.hasSelection()) {
      event.preventDefault();
      if (isDown) {
        void navigator.clipboard.writeText(this.#terminal.getSelection());
        this.#terminal.clearSelection();
      }
      return false;
    }
    // The browser pastes, and xterm.js takes it from there.
    return !(key === "v" && event.shiftKey);
  }
}
