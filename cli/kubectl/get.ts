import { UsageError } from "../../base/os/flags.ts";
import { resourcePath } from "../../client/paths.ts";
import type { RestClient } from "../../client/rest.ts";
import type { KubeObject, Resource } from "../../client/types.ts";
import { type CommandIo, command } from "../command.ts";
import { type DiscoveredResource, discover, shownName } from "./discovery.ts";
import { clusterFlags, namespaceOf } from "./flags.ts";
import {
  aligned,
  objectsText,
  parseFormat,
  type Table,
  tableRows,
  type WatchedTable,
  withColumns,
} from "./output.ts";
import { needKind, parseTargets, type Target } from "./targets.ts";

const flags = {
  ...clusterFlags,
  "all-namespaces": { kind: "boolean", short: "A", help: "objects of every namespace" },
  selector: {
    kind: "string",
    short: "l",
    value: "LABELS",
    help: "only objects with these labels, e.g. app=web",
  },
  "field-selector": {
    kind: "string",
    value: "FIELDS",
    help: "only objects with these fields, e.g. status.phase=Running",
  },
  output: {
    kind: "string",
    short: "o",
    value: "FORMAT",
    offers: ["wide", "json", "yaml", "name", "jsonpath="],
    help: "wide, json, yaml, name or jsonpath=TEMPLATE",
  },
  watch: { kind: "boolean", short: "w", help: "go on showing changes until Ctrl-C" },
  "no-headers": { kind: "boolean", help: "leave the heading out" },
} as const;

const tableAccept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

interface Query {
  readonly namespace: string | undefined;
  readonly labelSelector: string | undefined;
  readonly fieldSelector: string | undefined;
}

export const getCommand = command({
  name: "get",
  summary: "show objects of the cluster",
  usage: "KIND [NAME...] | KIND/NAME...",
  words: ["object"],
  flags,
  examples: ["pintle get pods -A", "pintle get deployment/web -o yaml", "pintle get pods -l app=web -w"],
  async run({ flags: given, words }, io) {
    needKind(words);
    const client = io.client(given);
    const format = parseFormat(given.output);
    const targets = parseTargets(await discover(client), words);
    const allNamespaces = given["all-namespaces"] ?? false;
    const namespace = allNamespaces ? undefined : namespaceOf(given, client);
    const query = { namespace, labelSelector: given.selector, fieldSelector: given["field-selector"] };
    if (targets.some(({ names }) => names.length > 0) && (given.selector || allNamespaces))
      throw new UsageError("names cannot be combined with --selector or --all-namespaces");
    if (format.kind !== "table") {
      const found = await fetchObjects(client, targets, query);
      const [only] = targets;
      const single = targets.length === 1 && only?.names.length === 1;
      io.stdout(objectsText(format, found, { single }));
      return 0;
    }
    const shown = { wide: format.wide, namespaces: allNamespaces, header: !given["no-headers"] };
    if (given.watch) return watchTable(client, targets, query, shown, io);
    return printTables(client, targets, query, shown, io);
  },
});

async function fetchObjects(client: RestClient, targets: readonly Target[], query: Query) {
  const found: { resource: DiscoveredResource; object: KubeObject }[] = [];
  for (const { resource, names } of targets) {
    const scope = resource.namespaced ? query : { ...query, namespace: undefined };
    const objects =
      names.length === 0
        ? (await client.list<KubeObject>(resource, scope)).items
        : await Promise.all(
            names.map((name) => client.get<KubeObject>(resource, { name, namespace: scope.namespace })),
          );
    found.push(...objects.map((object) => ({ resource, object })));
  }
  return found;
}

interface Shown {
  readonly wide: boolean;
  readonly namespaces: boolean;
  readonly header: boolean;
}

async function printTables(
  client: RestClient,
  targets: readonly Target[],
  query: Query,
  shown: Shown,
  io: CommandIo,
): Promise<number> {
  let printed = 0;
  for (const { resource, names } of targets) {
    const table = await fetchTable(client, resource, names, query);
    if (table.rows.length === 0) continue;
    if (printed > 0) io.stdout("\n");
    const options = {
      ...shown,
      namespaces: shown.namespaces && resource.namespaced,
      ...(targets.length > 1 && { prefix: shownName(resource, "") }),
    };
    io.stdout(aligned(tableRows(table, options)));
    printed++;
  }
  if (printed === 0)
    io.stderr(
      `No resources found${query.namespace === undefined ? "" : ` in ${query.namespace} namespace`}.\n`,
    );
  return 0;
}

async function fetchTable(
  client: RestClient,
  resource: DiscoveredResource,
  names: readonly string[],
  query: Query,
): Promise<Table> {
  const { labelSelector, fieldSelector } = query;
  const ask = async (name?: string): Promise<Table> => {
    const path = resourcePath(resource, { namespace: query.namespace, ...(name !== undefined && { name }) });
    const options = { accept: tableAccept, query: { labelSelector, fieldSelector } };
    return JSON.parse(await client.raw("GET", path, undefined, options));
  };
  if (names.length === 0) return ask();
  const tables = await Promise.all(names.map(ask));
  return { columnDefinitions: tables[0]?.columnDefinitions ?? [], rows: tables.flatMap(({ rows }) => rows) };
}

/** A line for each object now and for each change from then on. */
async function watchTable(
  client: RestClient,
  targets: readonly Target[],
  query: Query,
  shown: Shown,
  io: CommandIo,
): Promise<number> {
  const [target, ...others] = targets;
  if (target === undefined || others.length > 0) throw new UsageError("--watch: one kind at a time");
  const { resource, names } = target;
  if (names.length > 1) throw new UsageError("--watch: one name at a time");
  const [name] = names;
  const fieldSelector = name === undefined ? query.fieldSelector : `metadata.name=${name}`;
  const scope = { ...query, namespace: resource.namespaced ? query.namespace : undefined, fieldSelector };
  // The same path, but what comes are tables of one row.
  const tables = resource as unknown as Resource<WatchedTable>;
  const options = { ...scope, accept: tableAccept, sendInitialEvents: true, allowWatchBookmarks: true };
  const widths: number[] = [];
  let header = shown.header;
  // The first table of the watch may be a bookmark's, which is kept from us.
  const path = resourcePath(resource, { namespace: scope.namespace });
  const listed = await client.raw("GET", path, undefined, { accept: tableAccept, query: { limit: 1 } });
  let columns: Table["columnDefinitions"] = JSON.parse(listed).columnDefinitions;
  try {
    for await (const event of client.watch(tables, options, io.signal)) {
      if (event.type === "BOOKMARK") continue;
      const table = withColumns(event.object, columns);
      columns = table.columnDefinitions;
      const rows = tableRows(table, {
        ...shown,
        namespaces: shown.namespaces && resource.namespaced,
        header,
      });
      header = false;
      for (const row of rows) io.stdout(stableRow(row, widths));
    }
  } catch (error) {
    if (!io.signal.aborted) throw error;
  }
  return 0;
}

/** Like `aligned`, but a row at a time: columns only ever get wider. */
function stableRow(row: readonly string[], widths: number[]): string {
  const padded = row.map((cell, at) => {
    widths[at] = Math.max(widths[at] ?? 0, cell.length);
    return cell.padEnd((widths[at] ?? 0) + 3);
  });
  return `${padded.join("").trimEnd()}\n`;
}
