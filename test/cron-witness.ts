import type { Informer, InformerFactory } from "../client/informer.ts";
import { resources } from "../client/resources.ts";
import type { Job, Pod } from "../client/types.ts";

const scheduledAnnotation = "batch.kubernetes.io/cronjob-scheduled-timestamp";

/** Watches the jobs of cron jobs that forbid concurrency and whose jobs have one pod each, and notes each time that runs twice,
 *  runs beside another, or runs by two pods. */
export class CronWitness {
  readonly problems: string[] = [];
  /** Jobs' uids by what they were made for: `cron job's uid time`. */
  readonly made = new Map<string, string>();
  readonly #jobs: Informer<Job>;
  /** Pods' uids by jobs' uids. */
  readonly #podOf = new Map<string, string>();

  constructor(informers: InformerFactory) {
    this.#jobs = informers.informer(resources.jobs);
    const onJob = (job: Job) => this.#onJob(job);
    this.#jobs.subscribe({ onAdd: onJob, onUpdate: onJob });
    const onPod = (pod: Pod) => this.#onPod(pod);
    informers.informer(resources.pods).subscribe({ onAdd: onPod, onUpdate: onPod });
  }

  #onJob(job: Job): void {
    const { name, uid } = job.metadata;
    const run = runOf(job);
    if (run === undefined) return;
    const before = this.made.get(run.time);
    if (before !== undefined && before !== uid) this.problems.push(`${name} was made twice for ${run.time}`);
    this.made.set(run.time, uid);
    const running = this.#jobs.list().filter((one) => runOf(one)?.owner === run.owner && !hasEnded(one));
    if (running.length > 1)
      this.problems.push(`at once: ${running.map(({ metadata }) => metadata.name).join(" ")}`);
  }

  #onPod({ metadata }: Pod): void {
    const job = metadata.ownerReferences?.find(({ controller }) => controller === true)?.uid;
    if (job === undefined || ![...this.made.values()].includes(job)) return;
    const before = this.#podOf.get(job);
    if (before !== undefined && before !== metadata.uid)
      this.problems.push(`${metadata.name} is a second pod of its job`);
    this.#podOf.set(job, metadata.uid);
  }
}

/** Of a job that was made for a time: whose it is, and which. */
function runOf({ metadata }: Job): { readonly owner: string; readonly time: string } | undefined {
  const owner = metadata.ownerReferences?.find(({ kind }) => kind === "CronJob")?.uid;
  const time = metadata.annotations?.[scheduledAnnotation];
  return owner === undefined || time === undefined ? undefined : { owner, time: `${owner} ${time}` };
}

const hasEnded = ({ metadata, status }: Job): boolean =>
  metadata.deletionTimestamp !== undefined ||
  (status?.conditions ?? []).some(
    ({ type, status: is }) => ["Complete", "Failed"].includes(type) && is === "True",
  );
