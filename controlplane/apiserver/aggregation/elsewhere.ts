import type { JsonObject } from "../json.ts";
import type { SwaggerPart } from "../openapi/merge-swagger.ts";
import { type Answered, ask, type ProbeDeps, versionPath } from "./ask.ts";
import { orderedGroups } from "./priorities.ts";
import type { ServiceTable } from "./service-table.ts";

/** What discovery and the schemas say of groups that other servers serve. */
export class Elsewhere {
  readonly #table: ServiceTable;
  readonly #deps: ProbeDeps;

  constructor({ table, ...deps }: ProbeDeps & { readonly table: ServiceTable }) {
    this.#table = table;
    this.#deps = deps;
  }

  /** This server's groups and the others', the more important first. */
  groups(own: ReadonlyMap<string, readonly string[]>): ReadonlyMap<string, readonly string[]> {
    const all = new Map(own);
    for (const { group, version } of this.#table.remotes)
      all.set(group, [...new Set([...(all.get(group) ?? []), version])]);
    return orderedGroups(all, this.#table.priorityOf);
  }

  /** A version as aggregated discovery shows it, by what its server said last; `undefined`: this server serves it. */
  discovered(group: string, version: string): JsonObject | undefined {
    const remote = this.#table.remote(group, version);
    if (remote === undefined) return undefined;
    const known = this.#table.documents(remote);
    const isCurrent = known !== undefined && remote.isAvailable;
    return { version, resources: known?.resources ?? [], freshness: isCurrent ? "Current" : "Stale" };
  }

  /** The others' parts of the document of OpenAPI v2. */
  swaggerParts(): readonly SwaggerPart[] {
    return this.#table.remotes.flatMap((remote) => this.#table.documents(remote)?.swagger?.part ?? []);
  }

  /** Where the schemas of the others are, for the index. */
  openApiPaths(): JsonObject {
    return Object.fromEntries(
      this.#table.remotes.flatMap((remote) => {
        const url = this.#table.documents(remote)?.openApiUrl;
        return url === undefined ? [] : [[versionPath(remote).slice(1), { serverRelativeURL: url }]];
      }),
    );
  }

  /** What the server of another version answers when asked for its schema; `undefined`: that is this server. Fails with what
   *  stood in the way. */
  async openApi(
    path: string,
    { query, known }: { readonly query: URLSearchParams; readonly known: string },
  ): Promise<Answered | undefined> {
    const remote = this.#table.remotes.find((one) => versionPath(one) === `/${path}`);
    if (remote === undefined) return undefined;
    const search = query.size === 0 ? "" : `?${query}`;
    const asked = { path: `/openapi/v3/${path}${search}`, accept: "application/json", known };
    return ask(remote, asked, this.#deps, new AbortController().signal);
  }
}
