/** A text that is in every line with a match of this regular expression (RE2's syntax), as long as one is easily found. Undefined:
 *  none is known. Pure; what is not a regular expression at all is for its compiler to say. */
export function regexLiteral(source: string): string | undefined {
  let best = "";
  let run = "";
  const end = () => {
    if (run.length > best.length) best = run;
    run = "";
  };
  for (let at = 0; at < source.length; ) {
    const atom = atomAt(source, at);
    if (atom === undefined) return undefined;
    const next = source[atom.end];
    const isRepeated = next === "*" || next === "?" || next === "{" || next === "+";
    // `+` has it once at least, but what comes after need not follow the first.
    if (atom.literal !== undefined && (!isRepeated || next === "+")) run += atom.literal;
    if (atom.literal === undefined || isRepeated) end();
    at = atom.end;
  }
  end();
  return best.length > 0 ? best : undefined;
}

interface Atom {
  /** The one character that it matches, if it is one. */
  readonly literal?: string;
  readonly end: number;
}

/** Undefined where nothing can be said: alternatives, flags, and what this does not read. */
function atomAt(source: string, at: number): Atom | undefined {
  const one = source[at] ?? "";
  switch (one) {
    case "|":
      return undefined;
    case "(":
      return groupAt(source, at);
    case "[":
      return classAt(source, at);
    case "\\":
      return escapeAt(source, at);
    case "*":
    case "+":
    case "?":
    case "^":
    case "$":
    case ".":
      return { end: at + 1 };
    case "{": {
      const times = /^\{\d{1,4}(?:,\d{0,4})?\}/.exec(source.slice(at, at + 12))?.[0];
      return times === undefined ? { literal: one, end: at + 1 } : { end: at + times.length };
    }
    default: {
      const literal = String.fromCodePoint(source.codePointAt(at) ?? 0);
      return { literal, end: at + literal.length };
    }
  }
}

/** Skipped as a whole; flags change what stands behind them. */
function groupAt(source: string, at: number): Atom | undefined {
  if (source.startsWith("(?", at) && !/^\(\?(?::|P?<\w+>)/.test(source.slice(at, at + 80))) return undefined;
  let depth = 0;
  for (let i = at; i < source.length; i += 1) {
    const one = source[i];
    if (one === "\\") {
      if (source[i + 1] === "Q") return undefined;
      i += 1;
    } else if (one === "[") {
      const atom = classAt(source, i);
      if (atom === undefined) return undefined;
      i = atom.end - 1;
    } else if (one === "(") depth += 1;
    else if (one === ")") {
      depth -= 1;
      if (depth === 0) return { end: i + 1 };
    }
  }
  return undefined;
}

function classAt(source: string, at: number): Atom | undefined {
  let i = at + 1;
  if (source[i] === "^") i += 1;
  if (source[i] === "]") i += 1;
  for (; i < source.length; i += 1) {
    if (source[i] === "\\") i += 1;
    else if (source.startsWith("[:", i)) {
      const close = source.indexOf(":]", i);
      if (close >= 0) i = close + 1;
    } else if (source[i] === "]") return { end: i + 1 };
  }
  return undefined;
}

function escapeAt(source: string, at: number): Atom | undefined {
  const one = source[at + 1] ?? "";
  if (/[dDsSwWbBAz]/.test(one)) return { end: at + 2 };
  return /[^A-Za-z0-9]/.test(one) ? { literal: one, end: at + 2 } : undefined;
}
