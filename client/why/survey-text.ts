import { type ObjectName, wordOf } from "./finding.ts";
import type { Fold } from "./survey.ts";
import { detailsOf, sentenceOf } from "./text.ts";

const subjectsShown = 4;

/** What a survey found, as people read it. */
export function surveyText(folds: readonly Fold[], where: string): string {
  if (folds.length === 0) return `nothing is wrong ${where}\n`;
  const count = folds.length === 1 ? "1 cause" : `${folds.length} causes`;
  const texts = folds.map(({ finding, subjects }) => {
    const [first] = subjects;
    const more = subjects.length - 1;
    const head = `${finding.severity}: ${first === undefined ? "" : fullName(first)}${more > 0 ? ` and ${more} more` : ""}: ${sentenceOf(finding)}`;
    const others = subjects.slice(1, subjectsShown).map((one) => `  also in ${fullName(one)}`);
    const rest = subjects.length - subjectsShown;
    return [head, ...others, ...(rest > 0 ? [`  … and ${rest} more`] : []), ...detailsOf(finding)].join("\n");
  });
  return `${texts.join("\n\n")}\n\n${count} ${where}\n`;
}

const fullName = (object: ObjectName): string =>
  `${object.namespace === undefined ? "" : `${object.namespace}/`}${wordOf(object)}`;
