import { type Evidence, type Finding, type ObjectName, wordOf } from "./finding.ts";

/** Findings as people read them: the first line names the cause. */
export function findingsText(subject: string, findings: readonly Finding[]): string {
  return findings
    .map((found, at) =>
      [`${at === 0 ? `${subject}: ` : "also: "}${sentenceOf(found)}`, ...detailsOf(found)].join("\n"),
    )
    .join("\n\n")
    .concat("\n");
}

/** What a cause leads to, and the cause. */
export const sentenceOf = ({ through, cause }: Pick<Finding, "through" | "cause">): string =>
  [...through, cause].join(": ");

export function detailsOf({
  evidence,
  change,
  next,
}: Pick<Finding, "evidence" | "change" | "next">): readonly string[] {
  return [
    ...evidence.map((one) => `  ${evidenceText(one)}`),
    ...change.map((line, first) => `${first === 0 ? "  to change: " : "             "}${line}`),
    ...next.map((line, first) => `${first === 0 ? "  next: " : "        "}${line}`),
  ];
}

/** `pod/web-1 status.conditions[Ready]: …` */
function evidenceText({ object, field, says }: Evidence): string {
  if (object === undefined) return field === "output" ? `output: ${says}` : says;
  return `${objectText(object)} ${field}: ${says}`;
}

export const objectText = (object: ObjectName): string => wordOf(object);
