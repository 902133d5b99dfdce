import type { Clock } from "../../base/os/clock.ts";
import type { RestClient } from "../../client/rest.ts";
import type { DiscoveredResource } from "../kubectl/discovery.ts";
import type { Style } from "./drawing.ts";
import type { Forwards } from "./forwards.ts";
import type { Page } from "./page.ts";

/** `{ plural: "deployments", group: "apps" }`; a kind as it was discovered is one, too. */
export interface KindName {
  readonly plural: string;
  readonly group: string;
}

/** Which objects of a kind. */
export interface ObjectsScope {
  /** undefined: of all. */
  readonly namespace: string | undefined;
  readonly labels?: string | undefined;
  readonly fields?: string | undefined;
  readonly filter?: string | undefined;
  /** Of what they are, for the title: `deployment/web`. */
  readonly of?: string | undefined;
}

/** What pages see of the whole: the cluster, and the ways to go on from a page. */
export interface Screen {
  readonly client: RestClient;
  readonly kinds: readonly DiscoveredResource[];
  readonly clock: Clock;
  readonly forwards: Forwards;
  /** The namespace that tables of namespaced kinds show; undefined: all. */
  readonly namespace: string | undefined;
  goToNamespace(namespace: string | undefined): void;
  goToContext(name: string): void;
  /** The page looks otherwise now. */
  changed(): void;
  /** Whether it is on top. */
  isShown(page: Page): boolean;
  open(page: Page): void;
  /** Opens the objects of a kind. Throws where the server serves no such kind. */
  openObjects(kind: KindName, scope: Partial<ObjectsScope>): void;
  /** The same in place of all pages before. */
  showObjects(kind: KindName, scope: Partial<ObjectsScope>): void;
  back(): void;
  flash(text: string, style?: Style): void;
  /** A line of text from the person; undefined: none. */
  ask(label: string, text?: string): Promise<string | undefined>;
  confirm(question: string): Promise<boolean>;
  /** Does something and says how it went: `done` where it went well, else the error. */
  attempt(act: () => Promise<string | undefined>): Promise<void>;
  /** Gives the terminal to something else until that ends. */
  outside(act: () => Promise<void>): Promise<void>;
  /** To the terminal's own clipboard (OSC 52). */
  copy(text: string): void;
}
