import { signal } from "@preact/signals";
import { callJson } from "./session.ts";

interface RulesReview {
  readonly status?: {
    readonly incomplete?: boolean;
    readonly resourceRules?: readonly Rule[];
    readonly nonResourceRules?: readonly PathRule[];
  };
}
export interface Rule {
  readonly verbs: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
}

export interface PathRule {
  readonly verbs: readonly string[];
  readonly nonResourceURLs?: readonly string[];
}

/** What the person may do in a namespace, as far as the server can list it. */
export interface Rights {
  readonly rules: readonly Rule[];
  /** For what is no resource: `/metrics`. */
  readonly paths: readonly PathRule[];
  /** Somebody else decides, too (a webhook): what is not listed may still be allowed. */
  readonly incomplete: boolean;
}

const everything: Rights = { rules: [], paths: [], incomplete: true };
const known = signal<ReadonlyMap<string, Rights>>(new Map());
const asked = new Set<string>();

/** The rights in a namespace; until the server has said, all is taken for allowed. `""`: of all namespaces. */
export function rightsIn(namespace: string): Rights {
  const name = namespace || "default";
  if (!asked.has(name)) {
    asked.add(name);
    void ask(name);
  }
  return known.value.get(name) ?? everything;
}

/** The rights in a namespace, once the server has said. */
export function knownRights(namespace: string): Promise<Rights> {
  rightsIn(namespace);
  return new Promise((resolve) => {
    // Told at once where it is known already, before there is anything to end.
    let end: (() => void) | undefined;
    let isTold = false;
    end = known.subscribe((all) => {
      const rights = all.get(namespace || "default");
      if (rights === undefined || isTold) return;
      isTold = true;
      end?.();
      resolve(rights);
    });
    if (isTold) end();
  });
}

async function ask(namespace: string): Promise<void> {
  const review = {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SelfSubjectRulesReview",
    spec: { namespace },
  };
  try {
    const path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";
    const { status } = await callJson<RulesReview>(path, { method: "POST", body: review });
    const { resourceRules = [], nonResourceRules = [], incomplete = false } = status ?? {};
    const rights = { rules: resourceRules, paths: nonResourceRules, incomplete };
    known.value = new Map(known.value).set(namespace, rights);
  } catch {
    // What is not allowed is then refused by the server, with its own words.
    asked.delete(namespace);
    known.value = new Map(known.value).set(namespace, everything);
  }
}

export interface Deed {
  readonly verb: string;
  readonly group: string;
  /** `pods`, `pods/exec`. */
  readonly resource: string;
  readonly name?: string;
}

/** Whether rights allow it. Pure. */
export function allows({ rules, incomplete }: Rights, { verb, group, resource, name }: Deed): boolean {
  const has = (list: readonly string[] | undefined, one: string) =>
    list?.some((each) => each === "*" || each === one) ?? false;
  const sub = resource.includes("/") ? `*${resource.slice(resource.indexOf("/"))}` : resource;
  return (
    incomplete ||
    rules.some(
      (rule) =>
        has(rule.verbs, verb) &&
        has(rule.apiGroups, group) &&
        (has(rule.resources, resource) || has(rule.resources, sub)) &&
        (!rule.resourceNames?.length || (name !== undefined && rule.resourceNames.includes(name))),
    )
  );
}

/** Whether rights allow to read what is no resource. Pure. */
export const allowsPath = ({ paths, incomplete }: Rights, path: string): boolean =>
  incomplete ||
  paths.some(
    ({ verbs, nonResourceURLs = [] }) =>
      (verbs.includes("*") || verbs.includes("get")) &&
      nonResourceURLs.some((one) => one === path || (one.endsWith("*") && path.startsWith(one.slice(0, -1)))),
  );
