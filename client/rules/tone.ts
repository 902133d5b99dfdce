/** How well something is, as people see it at a glance: by a colour and a sign. */
export type Tone = "good" | "busy" | "bad" | "warn" | "quiet";

/** The sign beside a colour, since colours alone are not seen by all. */
export const toneSigns: Readonly<Record<Tone, string>> = {
  good: "●",
  busy: "◐",
  bad: "✕",
  warn: "▲",
  quiet: "○",
};

const words: readonly (readonly [RegExp, Tone])[] = [
  [
    /backoff|(^|:)err|error$|oomkilled|failed|evicted|^lost|^unknown|invalid|createcontainer|notready/i,
    "bad",
  ],
  [
    /^(running|active|ready|bound|available|true|complete[d]?|succeeded|healthy|deployed|established)(,|$)/i,
    "good",
  ],
  [
    /^(pending|containercreating|podinitializing|init:.*|terminating|progressing|released|suspended)/i,
    "busy",
  ],
  [/schedulingdisabled|warning/i, "warn"],
];
const columns = /^(status|phase|ready|available|state|type|health|sync status|condition)$/i;

/** Of a cell in a column that tells a state; undefined for others. Pure. */
export function toneOf(column: string, value: string): Tone | undefined {
  if (!columns.test(column)) return undefined;
  const share = /^(\d+)\/(\d+)$/.exec(value);
  if (share)
    return share[1] === share[2] ? (share[2] === "0" ? "quiet" : "good") : share[1] === "0" ? "bad" : "busy";
  if (/schedulingdisabled/i.test(value)) return "warn";
  return words.find(([pattern]) => pattern.test(value))?.[1];
}
