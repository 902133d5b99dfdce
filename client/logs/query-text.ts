import type { Query } from "./query.ts";

/** A query as it is typed: `parseQuery` makes the same of it. */
export function queryText(query: Query): string {
  switch (query.kind) {
    case "all":
      return "";
    case "and":
      return query.parts
        .map((part) => (part.kind === "or" ? `(${queryText(part)})` : queryText(part)))
        .join(" ");
    case "or":
      return query.parts.map(queryText).join(" or ");
    case "not":
      return query.part.kind === "and" || query.part.kind === "or"
        ? `not (${queryText(query.part)})`
        : `not ${queryText(query.part)}`;
    case "text":
      return quoted(query.text);
    case "regex":
      return `/${query.source.replaceAll("/", "\\/")}/${query.ignoresCase ? "i" : ""}`;
    case "field":
      return `${query.path.join(".")}${query.operator}${quoted(query.value)}`;
  }
}

const quoted = (text: string): string =>
  `"${text.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n").replaceAll("\t", "\\t").replaceAll("\r", "\\r")}"`;
