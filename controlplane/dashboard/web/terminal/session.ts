import { signal } from "@preact/signals";
import { exitText } from "../../../../client/why/exit-codes.ts";
import { openCommand, type RemoteCommand } from "../api/remote-command.ts";
import type { CommandWish, Ending } from "../model/remote-command.ts";
import { commandsFor, isNotThere, type ShellChoice } from "../model/shells.ts";
import type { TerminalContainer } from "../model/terminal-containers.ts";
import { Screen } from "./screen.ts";

export interface TerminalTarget {
  readonly namespace: string;
  readonly pod: string;
  readonly container: TerminalContainer;
  readonly choice: ShellChoice;
}

export type TerminalState =
  | { readonly is: "opening" }
  | { readonly is: "open" }
  /** Over; it can be opened anew. */
  | { readonly is: "over"; readonly text: string; readonly lacksShell: boolean };

/** A session with a container on a screen: the shells of a choice are tried one after the other. */
export class TerminalSession {
  readonly state = signal<TerminalState>({ is: "opening" });
  readonly screen: Screen;
  readonly #target: TerminalTarget;
  #command: RemoteCommand | undefined;
  /** The command runs, and not only seems to: its output is shown, and it gets what is typed. */
  #isSure = false;
  /** Something that was typed. */
  #hasWritten = false;
  /** What was typed before. */
  #early: Uint8Array[] = [];

  constructor(place: HTMLElement, target: TerminalTarget, left: () => void) {
    this.#target = target;
    this.screen = new Screen(place, {
      typed: (bytes) => {
        if (this.state.value.is === "over") {
          if (bytes.length === 1 && bytes[0] === 0x0d) this.open();
          return;
        }
        if (this.#isSure) this.#write(bytes);
        else if (this.#early.length < earlyMost) this.#early.push(bytes);
      },
      resized: (columns, rows) => this.#command?.resize(columns, rows),
      left,
    });
    this.open();
    this.screen.focus();
  }

  open(): void {
    const { choice, container } = this.#target;
    const commands = commandsFor(choice);
    this.state.value = { is: "opening" };
    this.#early = [];
    if (commands === undefined) this.#run([undefined], { tty: container.tty, stdin: container.stdin });
    else this.#run(commands, { tty: true, stdin: true });
  }

  close(): void {
    this.#command?.close();
    this.screen.close();
  }

  #write(bytes: Uint8Array): void {
    this.#hasWritten = true;
    this.#command?.write(bytes);
  }

  #run(
    [command, ...others]: readonly (readonly string[] | undefined)[],
    how: Pick<CommandWish, "tty" | "stdin">,
  ): void {
    const { namespace, pod, container } = this.#target;
    const wish = { namespace, pod, container: container.name, ...how, ...(command && { command }) };
    const first: Uint8Array[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const show = (bytes: Uint8Array) => this.screen.write(bytes, !how.tty);
    const sure = () => {
      this.#isSure = true;
      for (const bytes of first.splice(0)) show(bytes);
      for (const bytes of this.#early.splice(0)) this.#write(bytes);
    };
    this.#isSure = this.#hasWritten = false;
    this.#command?.close();
    this.#command = openCommand(wish, {
      open: () => {
        const { columns, rows } = this.screen.size;
        if (how.tty) this.#command?.resize(columns, rows);
        this.state.value = { is: "open" };
        if (command === undefined) sure();
        else timer = setTimeout(sure, sureAfterMs);
      },
      output: (bytes) => {
        if (this.#isSure) show(bytes);
        else first.push(bytes);
      },
      end: (ending) => {
        clearTimeout(timer);
        const lacksShell = command !== undefined && !this.#hasWritten && isNotThere(ending);
        if (lacksShell && others.length > 0) return this.#run(others, how);
        for (const bytes of first.splice(0)) show(bytes);
        const text = lacksShell ? lackText(this.#target) : endText(ending);
        this.screen.note(text);
        this.state.value = { is: "over", text, lacksShell };
      },
    });
  }
}

/** How long a shell's first words wait, so that those of one that is not there are not shown while another is tried. */
const sureAfterMs = 150;
/** Pieces, most of which are a key each. */
const earlyMost = 1_000;

const lackText = ({ container, choice }: TerminalTarget): string =>
  `${container.name} has no ${choice === "shell" ? "shell (neither bash nor sh)" : choice}.`;

function endText(ending: Ending): string {
  switch (ending.is) {
    case "exit":
      return ending.code === 0 ? "It ended well, with exit code 0." : `It ended: ${exitText(ending.code)}.`;
    case "failed":
      return ending.message;
    case "refused":
      return ending.message;
    case "lost":
      return "The connection was lost. What ran may still run.";
  }
}
