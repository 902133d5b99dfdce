import type { Job } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { sameValue } from "../schema/same-value.ts";
import { validateCounts } from "./counts.ts";
import { duplicate, invalid, invalidAltogether, required } from "./field-errors.ts";
import { countIndexes, sharedIndex } from "./job-indexes.ts";

type Status = NonNullable<Job["status"]>;
type ConditionType = "Complete" | "Failed" | "FailureTarget" | "SuccessCriteriaMet" | "Suspended";

/** What a change of a job's status may say, whoever runs the job. Most rules look only at what the change touches: what a change of
 *  the spec made untrue does not keep the job's controller from telling the rest. */
export function validateJobStatus(next: Job, current: Job): readonly FieldError[] {
  const change = { next, current, after: next.status ?? {}, before: current.status ?? {} };
  return [
    ...validateCounts(change.after, ["active", "succeeded", "failed", "ready", "terminating"]),
    ...uncountedProblems(change.after.uncountedTerminatedPods),
    ...endProblems(change),
    ...finishedProblems(change),
    ...indexProblems(change),
    ...podProblems(change),
    ...successProblems(change),
    ...takenBack(change),
  ];
}

interface Change {
  readonly next: Job;
  readonly current: Job;
  readonly after: Status;
  readonly before: Status;
}

function has({ conditions = [] }: Status, wanted: ConditionType, value = "True"): boolean {
  return conditions.some(({ type, status }) => type === wanted && status === value);
}

const isFinished = (status: Status) => has(status, "Complete") || has(status, "Failed");

function changes({ after, before }: Change, ...names: readonly (keyof Status)[]): boolean {
  return names.some((name) => !sameValue(after[name] ?? 0, before[name] ?? 0));
}

function turns({ after, before }: Change, ...types: readonly ConditionType[]): boolean {
  return types.some((type) => has(after, type) !== has(before, type));
}

const finishes = ({ after, before }: Change) => isFinished(after) !== isFinished(before);

const ofConditions = (text: string) => invalidAltogether("status.conditions", text);

function uncountedProblems(uncounted: Status["uncountedTerminatedPods"]): readonly FieldError[] {
  const seen = new Set<string>();
  return (["succeeded", "failed"] as const).flatMap((list) =>
    (uncounted?.[list] ?? []).flatMap((uid, index) => {
      const field = `status.uncountedTerminatedPods.${list}[${index}]`;
      if (uid === "") return [invalid(field, uid, "must not be empty")];
      if (seen.has(uid)) return [duplicate(field, uid)];
      seen.add(uid);
      return [];
    }),
  );
}

/** How and when the job ended. */
function endProblems(change: Change): readonly FieldError[] {
  const { after } = change;
  const { startTime, completionTime } = after;
  const [isComplete, isFailed] = [has(after, "Complete"), has(after, "Failed")];
  const field = "status.completionTime";
  const problems: FieldError[] = [];
  if (turns(change, "Complete", "Failed") && isComplete && isFailed)
    problems.push(ofConditions("cannot set Complete=True and Failed=true conditions"));
  if (turns(change, "Complete", "FailureTarget") && isComplete && has(after, "FailureTarget"))
    problems.push(ofConditions("cannot set Complete=True and FailureTarget=true conditions"));
  if (turns(change, "Complete") || changes(change, "completionTime")) {
    const text = "cannot set completionTime when there is no Complete=True condition";
    if (completionTime !== undefined && !isComplete) problems.push(invalid(field, completionTime, text));
    if (completionTime === undefined && isComplete)
      problems.push(required(field, "completionTime is required for Complete jobs"));
  }
  if (changes(change, "startTime", "completionTime") && isBefore(completionTime, startTime))
    problems.push(invalid(field, completionTime, "must be equal to or after `startTime`"));
  return problems;
}

const isBefore = (one: string | undefined, other: string | undefined) =>
  one !== undefined && other !== undefined && Date.parse(one) < Date.parse(other);

/** What a job's end needs beside it, and what it may not leave behind. */
function finishedProblems(change: Change): readonly FieldError[] {
  const { after, next } = change;
  const { active = 0, startTime, uncountedTerminatedPods: uncounted } = after;
  const isDone = isFinished(after);
  const problems: FieldError[] = [];
  if (
    (turns(change, "Failed") || changes(change, "failedIndexes")) &&
    has(after, "Failed") &&
    !has(after, "FailureTarget")
  )
    problems.push(ofConditions("cannot set Failed=True condition without the FailureTarget=true condition"));
  if (
    turns(change, "Complete", "SuccessCriteriaMet") &&
    has(after, "Complete") &&
    !has(after, "SuccessCriteriaMet")
  )
    problems.push(
      ofConditions("cannot set Complete=True condition without the SuccessCriteriaMet=true condition"),
    );
  if ((finishes(change) || changes(change, "active")) && active > 0 && isDone)
    problems.push(invalid("status.active", active, "active>0 is invalid for finished job"));
  const runsNothing = next.spec.suspend === true && next.spec.completions === 0;
  if ((finishes(change) || changes(change, "startTime")) && !runsNothing && startTime === undefined && isDone)
    problems.push(required("status.startTime", "startTime is required for finished job"));
  const uncountedPods = [...(uncounted?.failed ?? []), ...(uncounted?.succeeded ?? [])].length;
  if ((finishes(change) || changes(change, "uncountedTerminatedPods")) && isDone && uncountedPods > 0)
    problems.push(
      invalid(
        "status.uncountedTerminatedPods",
        { Succeeded: uncounted?.succeeded ?? null, Failed: uncounted?.failed ?? null },
        "must be empty for finished job",
      ),
    );
  return problems;
}

function indexProblems(change: Change): readonly FieldError[] {
  const { completions, backoffLimitPerIndex, completionMode } = change.next.spec;
  const { completedIndexes = "", failedIndexes } = change.after;
  const [completedChanges, failedChanges] = [
    changes(change, "completedIndexes"),
    changes(change, "failedIndexes"),
  ];
  const problems: FieldError[] = [];
  const unreadable = (name: string, text: string) => {
    const read = countIndexes(text, completions ?? 0);
    return typeof read === "number"
      ? []
      : [invalid(`status.${name}`, text, `error parsing ${name}: ${read.problem}`)];
  };
  if (completedChanges && completions !== undefined)
    problems.push(...unreadable("completedIndexes", completedIndexes));
  if (failedChanges && completions !== undefined && backoffLimitPerIndex !== undefined)
    problems.push(...unreadable("failedIndexes", failedIndexes ?? ""));
  if (completedChanges && completedIndexes !== "" && completionMode !== "Indexed") {
    const text = "cannot set non-empty completedIndexes when non-indexed completion mode";
    problems.push(invalid("status.completedIndexes", completedIndexes, text));
  }
  if (failedChanges && failedIndexes !== undefined && backoffLimitPerIndex === undefined) {
    const text = "cannot set non-null failedIndexes when backoffLimitPerIndex is null";
    problems.push(invalid("status.failedIndexes", failedIndexes, text));
  }
  if ((!failedChanges && !completedChanges) || completions === undefined || failedIndexes === undefined)
    return problems;
  const shared = sharedIndex(completedIndexes, failedIndexes, completions);
  if (shared === undefined) return problems;
  const text = `failedIndexes and completedIndexes overlap at index: ${shared}`;
  return [...problems, invalid("status.failedIndexes", failedIndexes, text)];
}

function podProblems(change: Change): readonly FieldError[] {
  const { terminating = 0, active = 0, ready = 0 } = change.after;
  const problems: FieldError[] = [];
  if ((finishes(change) || changes(change, "terminating")) && terminating > 0 && isFinished(change.after))
    problems.push(invalid("status.terminating", terminating, "terminating>0 is invalid for finished job"));
  if (changes(change, "ready", "active") && ready > active)
    problems.push(invalid("status.ready", ready, "cannot set more ready pods than active"));
  return problems;
}

function successProblems({ next, after }: Change): readonly FieldError[] {
  const isMet = has(after, "SuccessCriteriaMet");
  const problems: FieldError[] = [];
  if (isMet && has(after, "Failed"))
    problems.push(ofConditions("cannot set SuccessCriteriaMet=True and Failed=true conditions"));
  if (isMet && has(after, "FailureTarget"))
    problems.push(ofConditions("cannot set SuccessCriteriaMet=True and FailureTarget=true conditions"));
  if (next.spec.successPolicy !== undefined && !isMet && has(after, "Complete"))
    problems.push(
      ofConditions("cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True"),
    );
  return problems;
}

/** What was said once and stays said. */
function takenBack(change: Change): readonly FieldError[] {
  const { next, after, before } = change;
  const problems: FieldError[] = (["Failed", "Complete", "FailureTarget"] as const)
    .filter((type) => has(before, type) && !has(after, type))
    .map((type) => ofConditions(`cannot disable the terminal ${type}=True condition`));
  const { completions, parallelism, completionMode, suspend } = next.spec;
  const isElastic = completionMode === "Indexed" && completions === parallelism;
  for (const name of isElastic ? (["failed"] as const) : (["failed", "succeeded"] as const))
    if ((after[name] ?? 0) < (before[name] ?? 0))
      problems.push(invalid(`status.${name}`, after[name] ?? 0, `cannot decrease the ${name} counter`));
  const isMoved = (name: "completionTime" | "startTime") =>
    before[name] !== undefined && after[name] !== before[name];
  if (isMoved("completionTime") && after.completionTime !== undefined)
    problems.push(invalid("status.completionTime", after.completionTime, "field is immutable"));
  const isResumed = has(before, "Suspended") && has(after, "Suspended", "False");
  if (isMoved("startTime") && suspend !== true && !isResumed) {
    const text = "field is immutable for unsuspended job once set";
    problems.push(invalid("status.startTime", after.startTime, text));
  }
  const [wasMet, isMet] = [has(before, "SuccessCriteriaMet"), has(after, "SuccessCriteriaMet")];
  if (wasMet && !isMet) problems.push(ofConditions("cannot disable the SuccessCriteriaMet=True condition"));
  if (has(before, "Complete") && !wasMet && isMet)
    problems.push(
      ofConditions("cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions"),
    );
  return problems;
}
