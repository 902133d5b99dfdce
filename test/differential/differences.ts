import { isDeepStrictEqual } from "node:util";
import type { Recorded, Step } from "../../controlplane/apiserver/recorded-answers.ts";

/** Where ours answers otherwise on purpose. Short, and it stays so: a difference without a reason is a fault. */
export interface Difference {
  readonly name: string;
  readonly why: string;
  readonly is: (step: Step, theirs: Recorded, ours: Recorded) => boolean;
}

export const differences: readonly Difference[] = [
  {
    name: "who asks",
    why: "the two servers know their clients by other names",
    is: ({ ask }, theirs, ours) =>
      ask.includes("/certificatesigningrequests") &&
      isDeepStrictEqual(withoutRequester(theirs), withoutRequester(ours)),
  },
  {
    name: "an empty map or list",
    why: "it is kept as none from the moment it is read; Kubernetes' messages tell the two apart until it is stored",
    is: (_, theirs, ours) => isDeepStrictEqual(emptyAsNone(theirs), emptyAsNone(ours)),
  },
  {
    name: "a service without a name",
    why: "it is refused as what it is; Kubernetes comes upon it where it notes the service's address",
    is: ({ ask }, theirs, ours) =>
      ask.startsWith("POST ") &&
      JSON.stringify(theirs).includes("spec.parentRef.name: Required value") &&
      JSON.stringify(ours).includes("metadata.name: Required value: name or generateName is required"),
  },
  {
    name: "privileged pods",
    why: "the reference runs without --allow-privileged; here pod security decides, as with it",
    is: (_, theirs) => JSON.stringify(theirs).includes("privileged: Forbidden: disallowed by cluster policy"),
  },
  {
    name: "loopback addresses",
    why: "a cluster in one machine has its nodes, and what they serve, there",
    is: (_, theirs, ours) =>
      [theirs, ours].filter((one) => JSON.stringify(one).includes("may not be in the loopback range"))
        .length === 1,
  },
  {
    name: "YAML's syntax errors",
    why: "the parser is a library with words of its own for what it did not expect",
    is: (_, theirs, ours) =>
      /yaml: line \d+: (?!key )/.test(JSON.stringify(theirs)) &&
      isDeepStrictEqual(withoutYaml(theirs), withoutYaml(ours)),
  },
  {
    name: "several fields that no schema has",
    why: "all of them are told; Kubernetes stops at one, and which comes first is up to Go's maps",
    is: ({ ask }, theirs, ours) =>
      ask.startsWith("APPLY ") &&
      [theirs, ours].every((one) => JSON.stringify(one).includes(": field not declared in schema")),
  },
  {
    name: "the order of what is wrong with what is applied",
    why: "it is that of the object; Kubernetes' is that of Go's maps, which have none",
    is: (_, theirs, ours) => isDeepStrictEqual(linesInOrder(theirs), linesInOrder(ours)),
  },
  {
    name: "the order of warnings",
    why: "some of them stand in the order of one of Go's maps, which have none",
    is: (_, theirs, ours) => isDeepStrictEqual(inOrder(theirs), inOrder(ours)),
  },
  {
    name: "CEL's syntax errors",
    why: "the parser is a library with words of its own for what it did not expect",
    is: (_, theirs, ours) =>
      JSON.stringify(theirs).includes("Syntax error: ") &&
      isDeepStrictEqual(withoutSyntax(theirs), withoutSyntax(ours)),
  },
];

/** Of the texts that show values, also within an object that is shown. */
function emptyAsNone(answer: Recorded): unknown {
  return JSON.parse(
    JSON.stringify(answer).replaceAll(/((?:Invalid|Unsupported) value|\\"): (?:\{\}|\[\])/g, "$1: null"),
  );
}

/** Kinds of which Kubernetes stores a new object without what it adds in reading it: the first update writes that down, even one
 *  that changes nothing. */
const storedInPart: ReadonlySet<string> = new Set(["Job", "PersistentVolumeClaim"]);

/** What a watch tells, without such a write. */
export function withoutEmptyWrites(events: readonly unknown[], kind: string): readonly unknown[] {
  if (!storedInPart.has(kind)) return events;
  const objects = events.map((event) => (event as { object?: unknown }).object);
  return events.filter((_, at) => at === 0 || !isDeepStrictEqual(objects[at], objects[at - 1]));
}

const inOrder = (answer: Recorded) => ({ ...answer, warnings: [...(answer.warnings ?? [])].sort() });

function linesInOrder({ code, body }: Recorded): unknown {
  const { message } = body as { readonly message?: unknown };
  return { code, lines: typeof message === "string" ? message.split("\n").sort() : body };
}

function withoutYaml(answer: Recorded): unknown {
  return JSON.parse(
    JSON.stringify(answer).replaceAll(/yaml: (?:[^"\\]|\\.)*?(?= \([0-9a-f]{8}\)|")/g, "yaml"),
  );
}

function withoutSyntax(answer: Recorded): unknown {
  return JSON.parse(JSON.stringify(answer).replaceAll(/Syntax error: (?:[^"\\]|\\.)*/g, "Syntax error"));
}

/** Also where an object is shown within a message. */
export function withoutRequester(value: unknown): unknown {
  if (typeof value === "string")
    return value.replaceAll(/(\\+")username\1:\1.*?\1/g, "").replaceAll(/X509SHA256=[0-9a-f]+/g, "");
  if (Array.isArray(value)) return value.map(withoutRequester);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, one]) =>
      ["username", "groups", "extra", "uid"].includes(name) ? [] : [[name, withoutRequester(one)]],
    ),
  );
}
