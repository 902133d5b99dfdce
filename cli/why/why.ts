import { stringify } from "yaml";
import { systemClock } from "../../base/os/clock.ts";
import { UsageError } from "../../base/os/flags.ts";
import type { RestClient } from "../../client/rest.ts";
import { explainObject } from "../../client/why/explain.ts";
import type { Finding } from "../../client/why/finding.ts";
import { type Gathered, gather } from "../../client/why/gather.ts";
import { type Fold, survey } from "../../client/why/survey.ts";
import { surveyText } from "../../client/why/survey-text.ts";
import { findingsText, sentenceOf } from "../../client/why/text.ts";
import { command, OperatorError } from "../command.ts";
import { discover, shownName } from "../kubectl/discovery.ts";
import { clusterFlags, namespaceOf } from "../kubectl/flags.ts";
import { parseOne } from "../kubectl/targets.ts";
import { readerOf } from "./reader.ts";

const flags = {
  ...clusterFlags,
  "all-namespaces": { kind: "boolean", short: "A", default: false, help: "everything in the cluster" },
  output: {
    kind: "string",
    short: "o",
    value: "FORM",
    choices: ["json", "yaml"],
    help: "json or yaml: findings as data",
  },
} as const;

/** Something is wrong. */
const foundStatus = 3;

export const whyCommand = command({
  name: "why",
  summary: "say why something does not run or answer, and what to do",
  usage: "[POD | KIND/NAME]",
  words: ["object"],
  flags,
  examples: [
    "pintle why pod/web-1",
    "pintle why deployment/web",
    "pintle why service/web",
    "pintle why node/node-1",
    "pintle why pvc/data -o json",
    "pintle why",
    "pintle why -A",
  ],
  async run({ flags: given, words }, io) {
    const isAll = given["all-namespaces"];
    if (isAll && words.length > 0)
      throw new UsageError("--all-namespaces goes with no object: pintle why -A");
    const client = io.client(given);
    if (words.length === 0) {
      const namespace = isAll ? undefined : namespaceOf(given, client);
      const found = await gather(readerOf(client), (facts) => survey(namespace, facts), {
        ...now(io.signal),
        isWide: true,
      });
      io.stdout(
        dataText(given.output, surveyData(found)) ??
          surveyText(found.result, isAll ? "in the cluster" : `in namespace ${namespace}`),
      );
      tellUnread(found, given.output, io.stderr);
      return found.result.some(({ finding }) => finding.severity === "error") ? foundStatus : 0;
    }
    const found = await explainOne(client, words, namespaceOf(given, client), io.signal);
    io.stdout(dataText(given.output, objectData(found)) ?? findingsText(found.subject, found.result));
    tellUnread(found, given.output, io.stderr);
    return found.result.some(({ severity }) => severity === "error") ? foundStatus : 0;
  },
});

const now = (signal: AbortSignal) => ({ nowMs: systemClock.wallMs(), signal });

interface Explained extends Gathered<readonly Finding[]> {
  /** As kubectl names it. */
  readonly subject: string;
}

async function explainOne(
  client: RestClient,
  words: readonly string[],
  namespace: string,
  signal: AbortSignal,
): Promise<Explained> {
  const { resource, name } = parseOne(await discover(client, { signal }), words, "pod");
  const ref = { name, namespace: resource.namespaced ? namespace : undefined };
  const found = await gather(readerOf(client), (facts) => explainObject(resource, ref, facts), now(signal));
  if (found.result === null)
    throw new OperatorError(
      `${resource.plural} "${name}" not found${ref.namespace === undefined ? "" : ` in namespace ${ref.namespace}`}`,
    );
  if (found.result === undefined) throw new OperatorError(`could not look at ${found.unread.join("; ")}`);
  return { subject: shownName({ ...resource, group: "" }, name), result: found.result, unread: found.unread };
}

function tellUnread(
  { unread }: Gathered<unknown>,
  output: string | undefined,
  say: (text: string) => void,
): void {
  if (output === undefined) for (const line of unread) say(`could not look at ${line}\n`);
}

function dataText(form: "json" | "yaml" | undefined, data: unknown): string | undefined {
  if (form === undefined) return undefined;
  return form === "json" ? `${JSON.stringify(data, undefined, 2)}\n` : stringify(data);
}

const findingData = (finding: Finding) => ({ ...finding, sentence: sentenceOf(finding) });

const objectData = ({ subject, result, unread }: Explained) => ({
  subject,
  findings: result.map(findingData),
  unread,
});

const surveyData = ({ result, unread }: Gathered<readonly Fold[]>) => ({
  causes: result.map(({ finding, subjects }) => ({ ...findingData(finding), subjects })),
  unread,
});
