import { readTemplate } from "./template-text.ts";

/** What a query is made of. */
export interface QueryFields {
  readonly series: string;
  /** `pod=~"a|b",namespace="shop"`. */
  readonly labelMatchers: string;
  readonly labelValuesByName: ReadonlyMap<string, string>;
  readonly groupBy: readonly string[];
}

export interface QueryTemplate {
  readonly text: string;
  readonly query: (fields: QueryFields) => string;
}

/** `metricsQuery` of a rule. Throws TemplateError. */
export function queryTemplate(text: string): QueryTemplate {
  const parts = readTemplate(text, {
    fields: ["Series", "LabelMatchers", "GroupBy", "GroupBySlice"],
    maps: ["LabelValuesByName"],
  });
  return {
    text,
    query: (fields) =>
      parts
        .map((part) => {
          if ("text" in part) return part.text;
          // As Go prints a value that a map lacks.
          if ("key" in part) return fields.labelValuesByName.get(part.key) ?? "";
          if (part.field === "Series") return fields.series;
          if (part.field === "LabelMatchers") return fields.labelMatchers;
          return part.field === "GroupBy" ? fields.groupBy.join(",") : `[${fields.groupBy.join(" ")}]`;
        })
        .join(""),
  };
}
