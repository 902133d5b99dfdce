import { useEffect, useMemo } from "preact/hooks";
import type { LiveList } from "../api/live-list.ts";
import { ObjectFeed } from "../api/object-feed.ts";
import { TableFeed } from "../api/table-feed.ts";

type Query = Readonly<Record<string, string>>;

/** A feed that lives as long as the component, or until what it follows changes. */
function useLive<Feed extends LiveList<never> | LiveList<unknown>>(
  make: new (path: string, query: Query) => Feed,
  path: string,
  query: Query,
): Feed {
  const text = JSON.stringify(query);
  const feed = useMemo(() => new make(path, query), [path, text]);
  useEffect(() => () => feed.stop(), [feed]);
  return feed;
}

export const useTable = (path: string, query: Query = {}): TableFeed =>
  useLive(TableFeed as never, path, query);
export const useObjects = (path: string, query: Query = {}): ObjectFeed =>
  useLive(ObjectFeed as never, path, query);
