import type { Line, Size } from "./drawing.ts";

/** A key and what it does on a page: the help is made of these. */
export interface Binding {
  /** As `keyName` writes it: `d`, `ctrl-d`, `enter`, `G`. */
  readonly key: string;
  readonly help: string;
  /** It changes something in the cluster: `--readonly` takes it away. */
  readonly changes?: boolean;
  /** Not in the header's hints, only in the help. */
  readonly isMinor?: boolean;
  does(): void;
}

/** What fills the screen between header and crumbs. Pages tell by `changed` that they look otherwise now. */
export interface Page {
  /** In the crumbs: `pods`, `logs`. */
  readonly crumb: string;
  /** Over the page: `pods(default)[12]`. */
  readonly title: string;
  readonly bindings: readonly Binding[];
  /** What `/` was given. */
  readonly filter: string;
  setFilter(text: string): void;
  draw(size: Size): readonly Line[];
  /** Beside the title: whether what is shown is live. */
  readonly state?: string | undefined;
  close(): void;
}
