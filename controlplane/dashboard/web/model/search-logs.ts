import { parseQuery } from "../../../../client/logs/parse-query.ts";
import type { FieldOperator, Query } from "../../../../client/logs/query.ts";
import { queryText } from "../../../../client/logs/query-text.ts";
import {
  type CountedBy,
  countedBy,
  durationUs,
  type SearchedSource,
  sources,
  timestampUs,
} from "../../../../client/logs/search-request.ts";

/** What the page of logs shows, as its address has it. `""` where nothing is chosen. */
export interface SearchView {
  readonly query: string;
  readonly source: SearchedSource;
  readonly namespace: string;
  readonly labels: string;
  readonly pod: string;
  readonly container: string;
  readonly component: string;
  readonly node: string;
  readonly stream: "" | "stdout" | "stderr";
  /** How long ago the time begins (`1h`), where there are no times. */
  readonly range: string;
  /** RFC 3339. */
  readonly from: string;
  readonly until: string;
  readonly isOldestFirst: boolean;
  readonly isFollowing: boolean;
  /** Lines are counted apart by it. */
  readonly by: "" | CountedBy;
}

export const usualRange = "1h";

/** Reads an address; what is none of the choices is left out. Pure. */
export function readView(param: (name: string) => string): SearchView {
  const chosen = <T extends string>(name: string, choices: readonly T[]): T | undefined =>
    choices.find((one) => one === param(name));
  const time = (name: string) => (timestampUs(param(name)) === undefined ? "" : param(name));
  const source = chosen("source", sources) ?? "containers";
  const isOfContainers = source === "containers";
  return {
    query: param("q"),
    source,
    namespace: source === "components" || source === "audit" ? "" : param("ns"),
    labels: isOfContainers ? param("labels") : "",
    pod: isOfContainers ? param("pod") : "",
    container: isOfContainers ? param("c") : "",
    component: source === "components" || source === "audit" ? param("component") : "",
    node: source === "events" ? "" : param("node"),
    stream: isOfContainers ? (chosen("stream", ["stdout", "stderr"]) ?? "") : "",
    range: durationUs(param("range")) === undefined ? usualRange : param("range"),
    from: time("from"),
    until: time("until"),
    isOldestFirst: param("order") === "oldest",
    isFollowing: param("follow") === "1",
    by: chosen("by", countedBy) ?? "",
  };
}

const pathOf = (namespace: string, params: URLSearchParams): string => {
  const place = namespace === "" ? "" : `/namespaces/${encodeURIComponent(namespace)}`;
  return `/apis/logs.pintle.dev/v1${place}/entries?${params}`;
};

function sharedParams(view: SearchView): URLSearchParams {
  const params = new URLSearchParams();
  const { query, source, labels, pod, container, component, node, stream } = view;
  const given = { query, labelSelector: labels, pod, container, component, node, stream };
  for (const [name, value] of Object.entries(given)) if (value !== "") params.set(name, value);
  if (source !== "containers") params.set("source", source);
  return params;
}

function putTimes(params: URLSearchParams, { range, from, until }: SearchView): void {
  if (from === "" && until === "") params.set("since", range);
  if (from !== "") params.set("since", from);
  if (until !== "") params.set("until", until);
}

/** Where the API has the lines.
 *  @param after Where the lines that are shown end; those beyond it are asked for. */
export function entriesPath(
  view: SearchView,
  limit: number,
  after?: { readonly until?: string; readonly since?: string },
): string {
  const params = sharedParams(view);
  if (view.isFollowing) {
    params.set("follow", "true");
    return pathOf(view.namespace, params);
  }
  putTimes(params, {
    ...view,
    ...(after?.until && { until: after.until }),
    ...(after?.since && { from: after.since }),
  });
  // A time that began an hour ago still does when more is asked for.
  if (after?.until && view.from === "" && view.until === "") params.set("since", view.range);
  params.set("order", view.isOldestFirst ? "oldest" : "newest");
  params.set("limit", String(limit));
  return pathOf(view.namespace, params);
}

/** Where the API has how many there are. */
export function countsPath(view: SearchView): string {
  const params = sharedParams(view);
  putTimes(params, view);
  params.set("counts", "true");
  if (view.by !== "") params.set("by", view.by);
  return pathOf(view.namespace, params);
}

/** The same as a command to type. */
export function searchCommand(view: SearchView): string {
  const words = ["pintle logs --all"];
  const put = (flag: string, value: string) => {
    if (value !== "") words.push(flag, shellWord(value));
  };
  if (view.query !== "") words.push(shellWord(view.query));
  put("-n", view.namespace);
  put("--source", view.source === "containers" ? "" : view.source);
  put("-l", view.labels);
  put("--pod", view.pod);
  put("-c", view.container);
  put("--component", view.component);
  put("--node", view.node);
  put("--stream", view.stream);
  if (view.isFollowing) words.push("-f");
  else if (view.from === "" && view.until === "") put("--since", view.range);
  else {
    put("--since-time", view.from);
    put("--until", view.until);
  }
  if (!view.isFollowing && view.isOldestFirst) words.push("--oldest-first");
  return words.join(" ");
}

const shellWord = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;

/** A query that also asks that a field has a value, or has not. What cannot be read is left as it is. Pure. */
export function withField(
  query: string,
  field: string,
  value: string,
  operator: FieldOperator & ("=" | "!="),
): string {
  const path = field.split(".");
  const term: Query = { kind: "field", path, operator, value, column: 1 };
  return withTerm(query, term);
}

function withTerm(query: string, term: Query): string {
  const added = shortTerm(term);
  const read = parseQuery(query);
  if ("problem" in read || read.query.kind === "all") return added;
  return read.query.kind === "or" ? `(${query}) ${added}` : `${query} ${added}`;
}

/** Quotes are left out where they are not needed, as one would type it. */
function shortTerm(term: Query): string {
  const text = queryText(term);
  const bare = text.replace(/"([\w.:@+-]+)"$/, "$1");
  const read = parseQuery(bare);
  return "query" in read && queryText(read.query) === text ? bare : text;
}

/** Whether a field's name can be asked for. Pure. */
export function isAskable(field: string): boolean {
  const read = parseQuery(`${field}=x`);
  return "query" in read && read.query.kind === "field" && read.query.path.join(".") === field;
}

/** Texts and regular expressions that a line which was found may have in it, as they stand in a query. Pure. */
export function soughtIn(query: string): readonly Sought[] {
  const read = parseQuery(query);
  return "problem" in read ? [] : soughtOf(read.query);
}

export type Sought =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "regex"; readonly source: string; readonly ignoresCase: boolean };

function soughtOf(query: Query): Sought[] {
  switch (query.kind) {
    case "and":
    case "or":
      return query.parts.flatMap(soughtOf);
    case "text":
      return query.text === "" ? [] : [{ kind: "text", text: query.text }];
    case "regex":
      return [{ kind: "regex", source: query.source, ignoresCase: query.ignoresCase }];
    case "field":
      if (query.operator === "=~") return [{ kind: "regex", source: query.value, ignoresCase: false }];
      return query.operator === "=" && query.value !== "" ? [{ kind: "text", text: query.value }] : [];
    default:
      return [];
  }
}
