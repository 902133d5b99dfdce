import type { Tree } from "./parse.ts";

/** Types that an expression can name, and compare `type(x)` with. */
export const typeNames: ReadonlyMap<string, string> = new Map(
  [
    "bool",
    "int",
    "uint",
    "double",
    "string",
    "bytes",
    "list",
    "map",
    "null_type",
    "type",
    "optional_type",
    "google.protobuf.Timestamp",
    "google.protobuf.Duration",
    "net.IP",
    "net.CIDR",
    "kubernetes.Quantity",
    "kubernetes.URL",
    "kubernetes.Semver",
    "kubernetes.NamedFormat",
  ].map((name) => [name, name]),
);

/** `a.b.c`, if that is all that the tree says. */
export function dottedName(tree: Tree): { readonly text: string; readonly root: string } | undefined {
  if (tree.op === "id") return { text: tree.args, root: tree.args };
  if (tree.op !== ".") return undefined;
  const inner = dottedName(tree.args[0]);
  return inner === undefined ? undefined : { text: `${inner.text}.${tree.args[1]}`, root: inner.root };
}
