/** When those who are refused should come again, per priority level: twice as late while many are refused, sooner again when few
 *  are. Time is handed in, in whole seconds. */
export class RetryAfter {
  readonly #levels = new Map<string, LevelHistory>();

  /** Notes a refusal; in how many seconds to come again. */
  refused(level: string, nowSeconds: number): number {
    let history = this.#levels.get(level);
    if (history === undefined) {
      history = { seconds: 1, changedAt: 0, now: { at: nowSeconds, count: 0 }, past: [] };
      this.#levels.set(level, history);
    }
    if (history.now.at !== nowSeconds) turn(history, nowSeconds);
    history.now.count++;
    return history.seconds;
  }
}

const secondsMax = 32;

interface LevelHistory {
  seconds: number;
  changedAt: number;
  now: { readonly at: number; count: number };
  past: { readonly at: number; readonly count: number }[];
}

function turn(history: LevelHistory, nowSeconds: number): void {
  const { seconds } = history;
  const keep = Math.min(2 * seconds, secondsMax);
  history.past = [...history.past, history.now].filter(({ at }) => nowSeconds - at <= keep);
  history.now = { at: nowSeconds, count: 0 };
  const lately = history.past.filter(({ at }) => nowSeconds - at <= seconds);
  const refused = lately.reduce((sum, { count }) => sum + count, 0);
  if (nowSeconds - history.changedAt >= seconds && refused >= 3 * seconds) {
    history.seconds = Math.min(2 * seconds, secondsMax);
    history.changedAt = nowSeconds;
  } else if (refused < seconds && seconds > 1) history.seconds = seconds - 1;
}
