import { encodedPath, type RequestTarget, specifiedPath } from "./request-target.ts";
import type { PathRewrite } from "./route.ts";

/** The path and query that stand in place of a request's. Pure.
 *  @param groups What the groups of the path's pattern matched. */
export function rewrittenPath(
  rewrite: PathRewrite,
  target: RequestTarget,
  groups: readonly string[],
): string {
  const { query, path } = target;
  switch (rewrite.kind) {
    case "pattern":
      return patternTarget(rewrite.text, groups, query);
    case "whole":
      return `${encodedPath(rooted(specifiedPath(rewrite.path)))}${query}`;
    case "prefix": {
      const put = rewrite.path.replace(/\/+$/, "");
      // Paths are compared without what may be read in two ways; what is put together of one is as plain.
      const rest = path.slice(rewrite.prefix.replace(/\/+$/, "").length);
      return `${encodedPath(rooted(`${specifiedPath(put)}${rest}`))}${query}`;
    }
  }
}

const rooted = (path: string) => (path.startsWith("/") ? path : `/${path}`);

function patternTarget(text: string, groups: readonly string[], query: string): string {
  const path = text.replace(/\$(\d)/g, (_, digit: string) => groups[Number(digit) - 1] ?? "");
  const mark = path.indexOf("?");
  const [plain, own] = mark < 0 ? [path, ""] : [path.slice(0, mark), path.slice(mark)];
  const rest = own === "" ? query : `${own}${query.replace("?", "&")}`;
  return `${encodedPath(rooted(plain))}${rest}`;
}
