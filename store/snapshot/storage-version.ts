import { utf8 } from "../../base/wire.ts";
import type { Pages, Row, View } from "../backend/backend.ts";

const key = "storageVersion";

/** The view with the row by which etcd's tools since 3.6 know what a database may hold: the version that its cluster speaks. Those
 *  before have no such row. */
export function withStorageVersion(view: View, clusterVersion: string): View {
  const [major = 0, minor = 0] = clusterVersion.split(".").map(Number);
  if (major < 3 || (major === 3 && minor < 6)) return view;
  const row = { key, value: utf8(`${major}.${minor}.0`) };
  return {
    pages: (bucket, range, rowsMax) => {
      const pages = view.pages(bucket, range, rowsMax);
      return bucket === "meta" ? withRow(pages, row) : pages;
    },
    close: () => view.close(),
  };
}

/** In its place in the order of keys, instead of one that is there. */
async function* withRow(pages: Pages, row: Row): Pages {
  let isDue = true;
  for await (const rows of pages) {
    const at = isDue ? rows.findIndex((one) => one.key >= row.key) : -1;
    if (at === -1) yield rows;
    else {
      isDue = false;
      yield [...rows.slice(0, at), row, ...rows.slice(at).filter((one) => one.key !== row.key)];
    }
  }
  if (isDue) yield [row];
}
