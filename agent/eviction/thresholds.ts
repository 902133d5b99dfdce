import { type Amount, readAmount } from "../../base/quantity-text.ts";
import { readGoDuration } from "../../client/rules/go-duration.ts";
import { type Signal, signals } from "./signals.ts";

/** An amount, or a share of what there is (0.1 is 10 %). */
export type ThresholdValue = { readonly amount: Amount } | { readonly share: number };

/** When too little is left. Those of a configuration are told apart by being other objects. */
export interface Threshold {
  readonly signal: Signal;
  readonly value: ThresholdValue;
  /** So long it is only watched; 0: pods go at once, with a second to end. */
  readonly graceMs: number;
  /** Once it was met, so much more than `value` has to be left for it to be over. */
  readonly minimumReclaim?: ThresholdValue;
}

export const isHard = ({ graceMs }: Threshold): boolean => graceMs === 0;

/** In bytes or pieces. */
export function amountOf(value: ThresholdValue, capacity: number): Amount {
  if ("amount" in value) return value.amount;
  return bytesAmount(Math.trunc(capacity * value.share));
}

export const bytesAmount = (bytes: number): Amount => ({
  nanos: BigInt(Math.round(bytes)) * 1_000_000_000n,
  notation: "binary",
});

export const numberOf = ({ nanos }: Amount): number => Number(nanos) / 1e9;

/** The flags' texts, each such as `memory.available<100Mi`, or with `=` where nothing is compared. */
export interface ThresholdTexts {
  readonly hard: readonly string[];
  readonly soft: readonly string[];
  readonly softGracePeriod: readonly string[];
  readonly minimumReclaim: readonly string[];
}

export type ThresholdFlag =
  | "eviction-hard"
  | "eviction-soft"
  | "eviction-soft-grace-period"
  | "eviction-minimum-reclaim";

export interface ThresholdProblem {
  readonly flag: ThresholdFlag;
  readonly text: string;
  readonly rule: string;
}

/** The kubelet's own, and one for process numbers, of which it watches none unless told to. */
export const defaultHardThresholds = [
  "memory.available<100Mi",
  "nodefs.available<10%",
  "nodefs.inodesFree<5%",
  "imagefs.available<15%",
  "imagefs.inodesFree<5%",
  "pid.available<5%",
] as const;

/** Reads the flags; what is wrong with them is told to `problem`, all of it. */
export function readThresholds(
  texts: ThresholdTexts,
  problem: (found: ThresholdProblem) => void,
): readonly Threshold[] {
  const hard = statements("eviction-hard", texts.hard, "<", readValue, problem);
  const soft = statements("eviction-soft", texts.soft, "<", readValue, problem);
  const graces = statements("eviction-soft-grace-period", texts.softGracePeriod, "=", readGrace, problem);
  const reclaims = statements("eviction-minimum-reclaim", texts.minimumReclaim, "=", readReclaim, problem);
  for (const signal of soft.keys())
    if (!graces.has(signal))
      problem({
        flag: "eviction-soft",
        text: signal,
        rule: "needs a grace period (--eviction-soft-grace-period)",
      });
  for (const signal of graces.keys())
    if (!soft.has(signal))
      problem({
        flag: "eviction-soft-grace-period",
        text: signal,
        rule: "has no threshold in --eviction-soft",
      });
  const threshold = (signal: Signal, value: ThresholdValue, graceMs: number): Threshold => {
    const minimumReclaim = reclaims.get(signal);
    return { signal, value, graceMs, ...(minimumReclaim !== undefined && { minimumReclaim }) };
  };
  // Some are switched off: 0% and 100%.
  const all = [
    ...[...hard].map(([signal, value]) => value && threshold(signal, value, 0)),
    ...[...soft].map(([signal, value]) => value && threshold(signal, value, graces.get(signal) ?? 0)),
  ];
  return all.filter((one) => one !== undefined);
}

/** With what is asked of the machine's memory asked of the pods' own, too. */
export function withAllocatable(thresholds: readonly Threshold[]): readonly Threshold[] {
  const asked = new Set(thresholds.map(({ signal }) => signal));
  if (asked.has("allocatableMemory.available")) return thresholds;
  const memory = thresholds.filter((one) => one.signal === "memory.available" && isHard(one));
  return [
    ...thresholds,
    ...memory.map((one) => ({ ...one, signal: "allocatableMemory.available" as const })),
  ];
}

type Reading<T> = { readonly value: T } | { readonly rule: string };

function statements<T>(
  flag: ThresholdFlag,
  texts: readonly string[],
  sign: "<" | "=",
  read: (text: string) => Reading<T>,
  problem: (found: ThresholdProblem) => void,
): ReadonlyMap<Signal, T> {
  const found = new Map<Signal, T>();
  for (const text of texts) {
    if (text === "") continue;
    const at = text.indexOf(sign);
    const name = text.slice(0, at).trim();
    const signal = signals.find((one) => one === name);
    if (at < 0) problem({ flag, text, rule: `is not SIGNAL${sign}VALUE` });
    else if (name.startsWith("containerfs."))
      problem({ flag, text, rule: "is not to be set: what containers write is on nodefs or imagefs" });
    else if (signal === undefined)
      problem({ flag, text, rule: `names no signal; there are ${signals.join(", ")}` });
    else if (found.has(signal)) problem({ flag, text, rule: "is the second of its signal" });
    else {
      const reading = read(text.slice(at + 1).trim());
      if ("rule" in reading) problem({ flag, text, rule: reading.rule });
      else found.set(signal, reading.value);
    }
  }
  return found;
}

/** Undefined for a threshold that is switched off. */
function readValue(text: string): Reading<ThresholdValue | undefined> {
  if (text === "0%" || text === "100%") return { value: undefined };
  const reading = readAmountOrShare(text);
  if ("rule" in reading) return reading;
  const { value } = reading;
  if ("share" in value && value.share > 1) return { rule: "must be at most 100%" };
  if ("amount" in value && value.amount.nanos <= 0n) return { rule: "must be positive" };
  return reading;
}

function readReclaim(text: string): Reading<ThresholdValue> {
  const reading = readAmountOrShare(text);
  if ("rule" in reading) return reading;
  const { value } = reading;
  if ("share" in value ? value.share <= 0 : value.amount.nanos < 0n) return { rule: "must be positive" };
  return reading;
}

function readGrace(text: string): Reading<number> {
  const reading = readGoDuration(text);
  if (!reading.ok) return { rule: `is no duration such as 90s (${reading.problem})` };
  return reading.nanoseconds < 0 ? { rule: "must not be negative" } : { value: reading.nanoseconds / 1e6 };
}

function readAmountOrShare(text: string): Reading<ThresholdValue> {
  if (text.endsWith("%")) {
    if (!/^\d{1,3}(\.\d{1,6})?%$/.test(text)) return { rule: "is no share such as 10%" };
    // As the kubelet reads it, to the bit: what it tells of a threshold is what we tell.
    return { value: { share: Math.fround(Math.fround(Number(text.slice(0, -1))) / 100) } };
  }
  try {
    return { value: { amount: readAmount(text) } };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { rule: "is no quantity such as 100Mi and no share such as 10%" };
  }
}
