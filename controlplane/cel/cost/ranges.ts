/** How much at least, and how much at most: sizes and costs. Pure. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/** Nothing is more than this: Kubernetes counts in 64 bits, and stops there. */
export const most = 2 ** 64;

const bounded = (value: number) => Math.min(value, most);

export const exactly = (value: number): Range => ({ min: bounded(value), max: bounded(value) });
export const nothing = exactly(0);
export const one = exactly(1);
export const unknown: Range = { min: 0, max: most };
/** What a union begins with. */
export const noneYet: Range = { min: most, max: 0 };

export const plus = (a: Range, b: Range): Range => ({
  min: bounded(a.min + b.min),
  max: bounded(a.max + b.max),
});

export const times = (a: Range, b: Range): Range => ({
  min: bounded(a.min * b.min),
  max: bounded(a.max * b.max),
});

/** Rounded up. */
export const scaled = (a: Range, factor: number): Range => ({
  min: bounded(Math.ceil(a.min * factor)),
  max: bounded(Math.ceil(a.max * factor)),
});

export const either = (a: Range, b: Range): Range => ({
  min: Math.min(a.min, b.min),
  max: Math.max(a.max, b.max),
});

export const sum = (ranges: readonly Range[]): Range => ranges.reduce(plus, nothing);
