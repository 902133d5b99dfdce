import { RE2JS } from "re2js";
import type { ResourceTemplate } from "./rule.ts";
import { readTemplate, TemplateError } from "./template-text.ts";

/** `kube_<<.Group>>_<<.Resource>>`: which label stands for which resource. Throws TemplateError. */
export function resourceTemplate(text: string): ResourceTemplate {
  const parts = readTemplate(text, { fields: ["Group", "Resource"] });
  const fill = (of: (field: string) => string) =>
    parts.map((part) => ("text" in part ? part.text : of(part.field))).join("");
  const isNamed = (name: string) => parts.some((part) => "field" in part && part.field === name);
  if (!isNamed("Resource")) throw new TemplateError("it does not name <<.Resource>>");
  const named = parts.flatMap((part) => ("field" in part ? [part.field] : []));
  if (new Set(named).size !== named.length) throw new TemplateError("it names a field twice");
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(fill(() => "x")))
    throw new TemplateError("what it makes is no name of a label");
  const label = RE2JS.compile(`^${fill((field) => `(?P<${field.toLowerCase()}>.+?)`)}$`);
  return {
    labelOf: (group, resource) => fill((field) => (field === "Group" ? group : resource)),
    read: (text) => {
      const match = label.matcher(text);
      if (!match.find()) return undefined;
      return {
        group: isNamed("Group") ? (match.group("group") ?? "") : "",
        resource: match.group("resource") ?? "",
      };
    },
  };
}
