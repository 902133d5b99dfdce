/** Where a text has what is looked for. */
export interface Matcher {
  has(text: string): boolean;
  /** Its places, from which to which character. */
  places(text: string): readonly (readonly [number, number])[];
}

/** Marked in one line. */
const placesMost = 100;

/** What RE2 is asked for, as `re2js` has it: patterns are run in time proportional to the text, whoever made them. */
export interface PatternCompiler {
  compile(pattern: string, flags: number): { matcher(text: string): PatternMatcher };
  readonly CASE_INSENSITIVE: number;
}
interface PatternMatcher {
  find(): boolean;
  start(): number;
  end(): number;
}

/** Any text with these words as they stand, large or small. Pure. */
export function textMatcher(wanted: string): Matcher {
  const escaped = wanted.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
  const test = new RegExp(escaped, "i");
  return {
    has: (text) => test.test(text),
    places: (text) => {
      const found: [number, number][] = [];
      for (const { index } of text.matchAll(new RegExp(escaped, "gi"))) {
        if (found.length >= placesMost) break;
        found.push([index, index + wanted.length]);
      }
      return found;
    },
  };
}

/** Throws where the pattern is none. Pure. */
export function patternMatcher(pattern: string, compiler: PatternCompiler, ignoresCase = true): Matcher {
  const compiled = compiler.compile(pattern, ignoresCase ? compiler.CASE_INSENSITIVE : 0);
  return {
    has: (text) => compiled.matcher(text).find(),
    places: (text) => {
      const matcher = compiled.matcher(text);
      const found: [number, number][] = [];
      while (found.length < placesMost && matcher.find())
        if (matcher.end() > matcher.start()) found.push([matcher.start(), matcher.end()]);
      return found;
    },
  };
}

/** What several find. Pure. */
export function anyMatcher(matchers: readonly Matcher[]): Matcher {
  return {
    has: (text) => matchers.some((one) => one.has(text)),
    places: (text) => {
      const all = matchers.flatMap((one) => one.places(text)).sort((a, b) => a[0] - b[0] || b[1] - a[1]);
      const apart: (readonly [number, number])[] = [];
      for (const place of all) if (place[0] >= (apart.at(-1)?.[1] ?? 0)) apart.push(place);
      return apart.slice(0, placesMost);
    },
  };
}

/** A text in just these letters. Pure. */
export function exactMatcher(wanted: string): Matcher {
  return {
    has: (text) => text.includes(wanted),
    places: (text) => {
      const found: [number, number][] = [];
      for (
        let at = text.indexOf(wanted);
        at >= 0 && found.length < placesMost;
        at = text.indexOf(wanted, at + wanted.length)
      )
        found.push([at, at + wanted.length]);
      return found;
    },
  };
}
