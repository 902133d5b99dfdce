/** A short live list: one line a step, with its time; redrawn in place on a terminal, printed once elsewhere. */
export interface Progress {
  /** Runs a step and shows it; a failing step is marked and its error passed on. */
  step<T>(label: string, work: () => Promise<T>): Promise<T>;
}

export interface ProgressOptions {
  readonly write: (text: string) => void;
  readonly isTerminal: boolean;
  readonly monotonicMs: () => number;
}

export function createProgress(options: ProgressOptions): Progress {
  const { write, isTerminal, monotonicMs } = options;
  const running = new Map<string, number>();
  let drawn = 0;
  const clear = () => {
    if (isTerminal && drawn > 0) write(`\x1b[${drawn}A\x1b[0J`);
    drawn = 0;
  };
  const draw = () => {
    if (!isTerminal) return;
    for (const [label, startedMs] of running) write(`  … ${label} ${seconds(monotonicMs() - startedMs)}\n`);
    drawn = running.size;
  };
  const finish = (label: string, mark: string) => {
    const tookMs = monotonicMs() - (running.get(label) ?? monotonicMs());
    running.delete(label);
    clear();
    write(`  ${mark} ${label.padEnd(44)} ${seconds(tookMs)}\n`);
    draw();
  };
  return {
    async step(label, work) {
      clear();
      running.set(label, monotonicMs());
      draw();
      try {
        const result = await work();
        finish(label, "✓");
        return result;
      } catch (error) {
        finish(label, "✗");
        throw error;
      }
    },
  };
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`.padStart(7);
}
