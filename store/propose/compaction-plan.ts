/** When to compact, and to which revision, by etcd's rules (--auto-compaction-mode, --auto-compaction-retention). Pure: told
 *  of time and revisions, it answers what is due. */
export interface CompactionPlan {
  /** How often to ask. */
  readonly everyMs: number;
  /** Takes note of the store's revision, at the start and after each time of asking. */
  record(revision: number): void;
  /** The revision to compact to now, if any; `newest` is the store's. */
  due(nowMs: number, newest: number): number | undefined;
  /** The store is compacted to there. */
  done(revision: number, nowMs: number): void;
}

export type AutoCompaction =
  | { readonly mode: "periodic"; readonly periodMs: number }
  | { readonly mode: "revision"; readonly revisions: number };

const hourMs = 3_600_000;
const revisionEveryMs = 5 * 60_000;
/** A period's revisions are noted this many times in it (in an hour of it, when it is longer). */
const notesPerPeriod = 10;

export function compactionPlan(options: AutoCompaction, nowMs: number): CompactionPlan {
  return options.mode === "periodic"
    ? periodicPlan(options.periodMs, nowMs)
    : revisionPlan(options.revisions);
}

/** Keeps the history of a period: for a first period nothing happens, then every period, but at least every hour, the store
 *  is compacted to what was its revision a period ago. */
function periodicPlan(periodMs: number, startMs: number): CompactionPlan {
  const intervalMs = Math.min(periodMs, hourMs);
  const everyMs = intervalMs / notesPerPeriod;
  const notesMax = Math.floor(periodMs / everyMs) + 1;
  const notes: number[] = [];
  let lastRevision = 0;
  let lastMs = startMs;
  let waitMs = periodMs;
  return {
    everyMs,
    record(revision) {
      notes.push(revision);
      if (notes.length > notesMax) notes.shift();
    },
    due(nowMs) {
      const revision = notes[0];
      if (revision === undefined || nowMs - lastMs < waitMs || revision === lastRevision) return undefined;
      waitMs = intervalMs;
      return revision;
    },
    done(revision, nowMs) {
      lastRevision = revision;
      lastMs = nowMs;
    },
  };
}

/** Keeps the last so many revisions. */
function revisionPlan(revisions: number): CompactionPlan {
  let lastRevision = 0;
  return {
    everyMs: revisionEveryMs,
    record: () => undefined,
    due(_nowMs, newest) {
      const revision = newest - revisions;
      return revision <= 0 || revision === lastRevision ? undefined : revision;
    },
    done(revision) {
      lastRevision = revision;
    },
  };
}
