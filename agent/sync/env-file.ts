/** A file of variables is not as it should be; `line` counts from 1. */
export class EnvFileError extends Error {
  override readonly name = "EnvFileError";

  constructor(line: number, why: string) {
    super(`invalid environment variable format at line ${line}: ${why}`);
  }
}

const blank = /^[ \t]*(#.*)?$/;

/** The value of a key in a file of `NAME='value'` lines, the quoted value over several lines if need be; empty where the
 *  key is not there or what follows `=` is a blank. What stands behind the key is not looked at. Throws EnvFileError. */
export function valueInEnvFile(text: string, key: string): string {
  const lines = text.split(/\r?\n/);
  for (let at = 0; at < lines.length; at++) {
    const line = (lines[at] ?? "").replace(/^[ \t]+/, "");
    if (blank.test(line)) continue;
    const equals = line.indexOf("=");
    if (equals < 0) throw new EnvFileError(at + 1, "missing '='");
    const name = line.slice(0, equals);
    if (name.trim() === "") throw new EnvFileError(at + 1, "empty variable name");
    if (/[ \t]$/.test(name)) throw new EnvFileError(at + 1, "whitespace before '=' is not allowed");
    let rest = line.slice(equals + 1);
    if (/^[ \t]/.test(rest)) {
      if (name === key) return "";
      continue;
    }
    if (!rest.startsWith("'")) throw new EnvFileError(at + 1, "value must be enclosed in single quotes");
    rest = rest.slice(1);
    const began = at;
    const value: string[] = [];
    for (let end = rest.indexOf("'"); end < 0; end = rest.indexOf("'")) {
      value.push(rest);
      if (++at >= lines.length) throw new EnvFileError(began + 1, "unterminated single-quoted value");
      rest = lines[at] ?? "";
    }
    const [last = "", ...after] = rest.split("'");
    if (!blank.test(after.join("'")))
      throw new EnvFileError(at + 1, "unexpected content after closing quote");
    if (name === key) return [...value, last].join("\n");
  }
  return "";
}
