/** Names of properties as expressions write them: what is no letter, digit or underscore is spelt out, and so are words of the
 *  language (k8s.io/apiserver's pkg/cel escaping). Pure. */

const words: ReadonlySet<string> = new Set(
  "true false null in as break const continue else for function if import let loop package namespace return var void while".split(
    " ",
  ),
);

const spelt: Readonly<Record<string, string>> = {
  __: "__underscores__",
  ".": "__dot__",
  "-": "__dash__",
  "/": "__slash__",
};

/** Undefined: no expression can name it. */
export function escapedName(name: string): string | undefined {
  if (!/^[a-zA-Z_./-][a-zA-Z0-9_./-]*$/.test(name)) return undefined;
  if (words.has(name)) return `__${name}__`;
  return name.replaceAll(/__|[-./]/g, (part) => spelt[part] ?? part);
}
