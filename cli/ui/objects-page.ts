import { ApiError, isForbidden, isNotFound } from "../../client/api-error.ts";
import type { Ref } from "../../client/types.ts";
import type { DiscoveredResource } from "../kubectl/discovery.ts";
import { amountsOf, measured } from "../kubectl/top.ts";
import { bindingsOfKind } from "./kind-bindings.ts";
import { editBinding, objectBindings } from "./object-bindings.ts";
import type { Binding } from "./page.ts";
import { pause } from "./pause.ts";
import { RowsPage } from "./rows-page.ts";
import type { ObjectsScope, Screen } from "./screen.ts";
import { TableFeed } from "./table-feed.ts";
import { type ShownRow, type ShownTable, shownTable, type Use } from "./table-view.ts";

const useMs = 10_000;
const ageMs = 1_000;

/** The objects of a kind as the server prints them, live. */
export class ObjectsPage extends RowsPage {
  readonly kind: DiscoveredResource;
  readonly scope: ObjectsScope;
  #feed: TableFeed;
  #use: Map<string, Use> | undefined;
  readonly #ending = new AbortController();
  /** What was shown last: made anew only where something of it changed. */
  #made: { readonly of: readonly unknown[]; readonly table: ShownTable } | undefined;

  constructor(screen: Screen, kind: DiscoveredResource, scope: ObjectsScope) {
    super(screen);
    this.kind = kind;
    this.scope = kind.namespaced ? scope : { ...scope, namespace: undefined };
    this.look = {
      ...this.look,
      filter: scope.filter ?? "",
      hasNamespaces: kind.namespaced && scope.namespace === undefined,
    };
    this.#feed = this.#open();
    void this.#age();
    if (kind.group === "" && (kind.plural === "pods" || kind.plural === "nodes")) void this.#measure();
  }

  #open(): TableFeed {
    const { namespace, labels, fields } = this.scope;
    const query = { namespace, labelSelector: labels, fieldSelector: fields };
    const { client, clock } = this.screen;
    return new TableFeed(client, this.kind, query, { clock, changed: () => this.screen.changed() });
  }

  get crumb(): string {
    return this.kind.plural;
  }
  get title(): string {
    const { namespace, labels, of } = this.scope;
    const where = this.kind.namespaced ? (namespace ?? "all") : "";
    const within = [where, of, labels && !of ? labels : undefined].filter(Boolean).join(", ");
    const faults = this.look.isFaultsOnly ? " not well" : "";
    return `${this.kind.plural}${within === "" ? "" : `(${within})`}[${this.shownRows}${faults}]`;
  }
  get state(): string {
    const { state } = this.#feed;
    return state.is === "stale" ? `not live: ${state.why}` : state.is === "loading" ? "loading" : "";
  }

  /** Where one of the rows is. */
  refOf({ row }: ShownRow): Ref {
    const { name, namespace } = row.object.metadata;
    return { name, ...(namespace !== undefined && { namespace }) };
  }

  protected table(): ShownTable {
    const nowMs = this.screen.clock.wallMs();
    // Ages go on by the second.
    const of = [this.#feed, this.#feed.version, this.look, this.#use, Math.floor(nowMs / 1000)];
    if (this.#made === undefined || this.#made.of.some((one, at) => one !== of[at])) {
      const { columns, rows } = this.#feed;
      this.#made = { of, table: shownTable(columns, rows.values(), this.look, { nowMs, use: this.#use }) };
    }
    return this.#made.table;
  }

  /** Ages go on while nothing else happens; of many rows more slowly. */
  async #age(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      const ms = ageMs * Math.max(1, this.#feed.rows.size / 1_000);
      await pause(this.screen.clock, ms, signal);
      if (!signal.aborted && this.screen.isShown(this)) this.screen.changed();
    }
  }

  async #measure(): Promise<void> {
    const { signal } = this.#ending;
    const { client, clock } = this.screen;
    const plural = this.kind.plural === "nodes" ? "nodes" : "pods";
    while (!signal.aborted) {
      try {
        const asked = { namespace: this.scope.namespace, name: undefined, labelSelector: this.scope.labels };
        const found = await measured(client, plural, asked);
        this.#use = new Map(
          found.map((one) => [`${one.metadata.namespace ?? ""}/${one.metadata.name}`, amountsOf(one)]),
        );
        this.screen.changed();
      } catch (error) {
        // Nothing measures here, or this person may not see it: the table is without these columns.
        if (error instanceof ApiError && (isNotFound(error) || isForbidden(error))) return;
        if (!(error instanceof ApiError)) return;
      }
      await pause(clock, useMs, signal);
    }
  }

  protected get ownBindings(): readonly Binding[] {
    const { screen, kind } = this;
    const subject = {
      screen,
      kind,
      one: () => this.current && this.refOf(this.current),
      all: () => this.chosen.map((row) => this.refOf(row)),
      unmark: () => this.unmark(),
    };
    const own = bindingsOfKind(subject);
    const taken = new Set(own.map(({ key }) => key));
    return [
      ...own,
      ...objectBindings(subject).filter(({ key }) => !taken.has(key)),
      editBinding(subject),
      {
        key: "ctrl-w",
        help: "Wide",
        isMinor: true,
        does: () => this.lookOtherwise({ isWide: !this.look.isWide }),
      },
      {
        key: "ctrl-r",
        help: "List again",
        isMinor: true,
        does: () => {
          this.#feed.close();
          this.#feed = this.#open();
          screen.changed();
        },
      },
      ...[
        ["S", "STATUS"],
        ["R", "READY"],
        ["T", "RESTARTS"],
        ["P", "NAMESPACE"],
        ["C", "CPU"],
        ["M", "MEM"],
        ["I", "IP"],
        ["O", "NODE"],
      ].map(([key = "", title = ""]) => this.sorting(key, title)),
    ];
  }

  override close(): void {
    this.#ending.abort();
    this.#feed.close();
  }
}
