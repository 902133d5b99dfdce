/** Parameters that many operations of a v2 document have stand there once, under a name made of their content, and are referred
 *  to. kube-openapi's rules and names. */
export class SharedParameters {
  readonly #byText = new Map<string, { readonly name: string; readonly parameter: object }>();

  /** The parameter as it stands with an operation: itself, or a reference to what is shared. */
  readonly use = (parameter: object): object => {
    if (!isShared(parameter)) return parameter;
    const text = JSON.stringify(parameter);
    const known = this.#byText.get(text) ?? { name: `${parameter.name}-${shortHash(text)}`, parameter };
    this.#byText.set(text, known);
    return { $ref: `#/parameters/${known.name}` };
  };

  /** All that was shared, by name in order. */
  all(): Record<string, object> {
    const all = [...this.#byText.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    return Object.fromEntries(all.map(({ name, parameter }) => [name, parameter]));
  }
}

interface V2Parameter {
  readonly name: string;
  readonly in: string;
  readonly schema?: { readonly $ref?: string };
}

/** Not what speaks of one kind only, nor what old kubectls look for by name in each operation. */
function isShared(parameter: object): parameter is V2Parameter {
  const { name, in: place, schema } = parameter as V2Parameter;
  if (place === "body") return schema?.$ref?.startsWith("#/definitions/io.k8s.apimachinery") === true;
  return name !== "name" && name !== "fieldValidation" && name !== "dryRun";
}

/** The first six bytes of FNV-1 (64 bits) in the letters of URLs. */
function shortHash(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of Buffer.from(text)) hash = BigInt.asUintN(64, hash * 0x100000001b3n) ^ BigInt(byte);
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(hash);
  return bytes.subarray(0, 6).toString("base64url");
}
