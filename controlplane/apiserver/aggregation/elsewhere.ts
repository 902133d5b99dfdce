import { type RuledGroups, ruledDiscovery, ruledResourceList } from "../custommetrics/ruled-groups.ts";
import type { JsonObject } from "../json.ts";
import type { SwaggerPart } from "../openapi/merge-swagger.ts";
import { type Answered, ask, type ProbeDeps, versionPath } from "./ask.ts";
import { orderedGroups } from "./priorities.ts";
import type { ServiceTable } from "./service-table.ts";

/** What discovery and the schemas say of groups that other servers serve, or that come of a rule file. */
export class Elsewhere {
  readonly #table: ServiceTable;
  readonly #ruled: RuledGroups | undefined;
  readonly #deps: ProbeDeps;

  constructor({
    table,
    ruled,
    ...deps
  }: ProbeDeps & { readonly table: ServiceTable; readonly ruled?: RuledGroups | undefined }) {
    this.#table = table;
    this.#ruled = ruled;
    this.#deps = deps;
  }

  /** This server's groups and the others', the more important first. */
  groups(own: ReadonlyMap<string, readonly string[]>): ReadonlyMap<string, readonly string[]> {
    const all = new Map(own);
    const ruled = this.#ruled?.versions.filter(({ group }) => !this.#table.hasGroup(group)) ?? [];
    for (const { group, version } of [...this.#table.remotes, ...ruled])
      all.set(group, [...new Set([...(all.get(group) ?? []), version])]);
    return orderedGroups(all, this.#table.priorityOf);
  }

  /** A version as aggregated discovery shows it, by what its server said last; `undefined`: this server serves it. */
  discovered(group: string, version: string): JsonObject | undefined {
    const remote = this.#table.remote(group, version);
    if (remote === undefined) {
      const ruled = this.#ruled?.resources(group, version);
      return ruled && ruledDiscovery({ group, version }, ruled);
    }
    const known = this.#table.documents(remote);
    const isCurrent = known !== undefined && remote.isAvailable;
    return { version, resources: known?.resources ?? [], freshness: isCurrent ? "Current" : "Stale" };
  }

  /** `/apis/GROUP/VERSION` of a version that comes of a rule file. */
  ruledList(group: string, version: string): JsonObject | undefined {
    const ruled = this.#table.hasGroup(group) ? undefined : this.#ruled?.resources(group, version);
    return ruled && ruledResourceList({ group, version }, ruled);
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
