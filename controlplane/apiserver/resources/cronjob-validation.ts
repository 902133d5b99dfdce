import { readCronSchedule } from "../../../client/rules/cron-schedule.ts";
import { isTimeZone } from "../../../client/rules/time-zone.ts";
import type { CronJob } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { validateCount } from "./counts.ts";
import { invalid, notSupported, required } from "./field-errors.ts";
import { validateJobSpec } from "./job-validation.ts";

type Spec = CronJob["spec"];

/** Jobs are named after their cron job, with eleven characters behind. */
const nameMax = 63 - 11;

/** @param current What is stored, in an update. */
export function validateCronJob({ spec }: CronJob, current?: CronJob): readonly FieldError[] {
  return [
    ...(spec.schedule ? validateSchedule(spec, current?.spec, "spec.schedule") : [required("spec.schedule")]),
    ...validateCount(spec.startingDeadlineSeconds, "spec.startingDeadlineSeconds"),
    ...(current !== undefined && current.spec.timeZone === spec.timeZone
      ? []
      : validateTimeZone(spec.timeZone, "spec.timeZone")),
    ...validateConcurrency(spec.concurrencyPolicy, "spec.concurrencyPolicy"),
    ...validateJobTemplate(spec.jobTemplate, "spec.jobTemplate.spec"),
    ...validateCount(spec.successfulJobsHistoryLimit, "spec.successfulJobsHistoryLimit"),
    ...validateCount(spec.failedJobsHistoryLimit, "spec.failedJobsHistoryLimit"),
  ];
}

export function validateNewCronJob({ metadata }: CronJob): readonly FieldError[] {
  if (metadata.name.length <= nameMax) return [];
  return [invalid("metadata.name", metadata.name, `must be no more than ${nameMax} characters`)];
}

/** A zone in the schedule is only borne where there was one before there was a field for it. */
function validateSchedule(
  { schedule, timeZone }: Spec,
  current: Spec | undefined,
  field: string,
): readonly FieldError[] {
  const read = readCronSchedule(schedule);
  const problems = read.ok ? [] : [invalid(field, schedule, read.problem)];
  if (!schedule.includes("TZ")) return problems;
  if (current?.schedule.includes("TZ") !== true) {
    const text = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead";
    problems.push(invalid(field, schedule, text));
  } else if (timeZone !== undefined) {
    const text = "cannot use both timeZone field and TZ or CRON_TZ in schedule";
    problems.push(invalid(field, schedule, text));
  }
  return problems;
}

function validateTimeZone(timeZone: string | undefined, field: string): readonly FieldError[] {
  if (timeZone === undefined) return [];
  if (timeZone === "") return [invalid(field, timeZone, "timeZone must be nil or non-empty string")];
  const unknown = invalid(field, timeZone, `unknown time zone ${timeZone}`);
  const isPart = (part: string) =>
    /^[A-Za-z._0-9+-]{1,14}$/.test(part) && !part.startsWith("-") && part !== "." && part !== "..";
  if (!timeZone.split("/").every(isPart)) return [unknown];
  const problems: FieldError[] = [];
  if (timeZone.toLowerCase() === "local") {
    const text = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones";
    problems.push(invalid(field, timeZone, text));
  }
  if (timeZone !== "Local" && !isTimeZone(timeZone)) problems.push(unknown);
  return problems;
}

function validateConcurrency(policy: string | undefined, field: string): readonly FieldError[] {
  if (!policy) return [required(field)];
  const policies = ["Allow", "Forbid", "Replace"];
  return policies.includes(policy) ? [] : [notSupported(field, policy, policies)];
}

function validateJobTemplate({ spec }: Spec["jobTemplate"], field: string): readonly FieldError[] {
  if (spec === undefined) return [required(`${field}.template`)];
  const problems = [...validateJobSpec(spec, field)];
  if (spec.selector !== undefined)
    problems.push(invalid(`${field}.selector`, spec.selector, "`selector` will be auto-generated"));
  if (spec.manualSelector === true)
    problems.push(notSupported(`${field}.manualSelector`, true, ["nil", "false"]));
  return problems;
}
