import { judge, type SeenCall } from "./register-clients.ts";
import { type Span, timeline } from "./timeline.ts";

export interface Verdict {
  /** Broken properties, in words. */
  readonly problems: readonly string[];
  /** The figures, a line each. */
  readonly summary: string;
  /** SVG. */
  readonly picture: string;
}

/** Members that are cut apart or without power answer nobody: for seconds, or a minute on a machine that others keep busy. */
const silenceMaxMs = 120_000;

/** What a run came to, in which this was told to clients, this was done to members, and these problems were met. */
export function verdictOf(
  calls: readonly SeenCall[],
  spans: readonly Span[],
  problems: readonly string[],
): Verdict {
  const { broken, undecided } = judge(calls);
  const answered = calls.filter(({ isAnswered }) => isAnswered);
  const writes = answered.filter(({ op }) => op.leaves[0] !== undefined).length;
  const silence = longestSilence(calls);
  const silenceMs = Math.round(silence.toMs - silence.fromMs);
  const meanwhile = spans.filter(({ fromMs, toMs }) => fromMs < silence.toMs && toMs > silence.fromMs);
  return {
    problems: [
      ...problems,
      ...broken.map((key) => `no order of what clients did to ${key} explains what they were told`),
      ...undecided.map((key) => `no order of what clients did to ${key} was found within the search's bound`),
      ...(silenceMs > silenceMaxMs ? [`nobody was answered for ${silenceMs} ms`] : []),
    ],
    summary: [
      `${answered.length} calls answered: ${writes} writes and ${answered.length - writes} reads; ` +
        `${calls.length - answered.length} without an answer`,
      `an order explains all answers: ${keysOf(calls) - broken.length - undecided.length} of ${keysOf(calls)} keys`,
      `longest silence ${silenceMs} ms${meanwhile.length === 0 ? "" : `, with ${namesOf(meanwhile)}`}`,
      `${spans.length} troubles: ${countsOf(spans)}`,
    ].join("\n"),
    picture: timeline(calls, spans),
  };
}

/** The longest time in which no call was answered, up to when the last one was over. */
function longestSilence(calls: readonly SeenCall[]): { readonly fromMs: number; readonly toMs: number } {
  const timesMs = calls.filter(({ isAnswered }) => isAnswered).map(({ toldMs }) => toldMs);
  timesMs.push(calls.reduce((last, { toldMs }) => Math.max(last, toldMs), 0));
  timesMs.sort((a, b) => a - b);
  let longest = { fromMs: 0, toMs: 0 };
  for (let at = 1; at < timesMs.length; at++) {
    const [fromMs, toMs] = [timesMs[at - 1] as number, timesMs[at] as number];
    if (toMs - fromMs > longest.toMs - longest.fromMs) longest = { fromMs, toMs };
  }
  return longest;
}

const keysOf = (calls: readonly SeenCall[]): number => new Set(calls.map(({ key }) => key)).size;

const namesOf = (spans: readonly Span[]): string => [...new Set(spans.map(({ name }) => name))].join(", ");

function countsOf(spans: readonly Span[]): string {
  const counts = new Map<string, number>();
  for (const { name } of spans) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, count]) => `${count} × ${name}`).join(", ");
}
