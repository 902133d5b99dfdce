import type { FlowSchemaSpec, PriorityLevelSpec } from "./suggested-objects.ts";

/** Specs as Kubernetes shows them in refusals: every field of its own structures, under its Go name. Pure. */

const many = <T, U>(all: readonly T[] | undefined, one: (value: T) => U): readonly U[] | null =>
  all === undefined || all.length === 0 ? null : all.map(one);

export function goFlowSchema(spec: FlowSchemaSpec): object {
  const { priorityLevelConfiguration: level, matchingPrecedence, distinguisherMethod: method, rules } = spec;
  return {
    PriorityLevelConfiguration: { Name: level.name },
    MatchingPrecedence: matchingPrecedence ?? 0,
    DistinguisherMethod: method === undefined ? null : { Type: method.type },
    Rules: many(rules, ({ subjects, resourceRules, nonResourceRules }) => ({
      Subjects: many(subjects, ({ kind, user, group, serviceAccount: account }) => ({
        Kind: kind,
        User: user === undefined ? null : { Name: user.name },
        Group: group === undefined ? null : { Name: group.name },
        ServiceAccount: account === undefined ? null : { Namespace: account.namespace, Name: account.name },
      })),
      ResourceRules: many(resourceRules, (rule) => ({
        Verbs: rule.verbs,
        APIGroups: rule.apiGroups,
        Resources: rule.resources,
        ClusterScope: rule.clusterScope ?? false,
        Namespaces: rule.namespaces ?? null,
      })),
      NonResourceRules: many(nonResourceRules, ({ verbs, nonResourceURLs }) => ({
        Verbs: verbs,
        NonResourceURLs: nonResourceURLs,
      })),
    })),
  };
}

export function goPriorityLevel({ type, limited, exempt }: PriorityLevelSpec): object {
  const response = limited?.limitResponse;
  const queuing = response?.queuing;
  return {
    Type: type,
    Limited:
      limited === undefined
        ? null
        : {
            NominalConcurrencyShares: limited.nominalConcurrencyShares ?? 0,
            LimitResponse: {
              Type: response?.type ?? "",
              Queuing:
                queuing === undefined
                  ? null
                  : {
                      Queues: queuing.queues ?? 0,
                      HandSize: queuing.handSize ?? 0,
                      QueueLengthLimit: queuing.queueLengthLimit ?? 0,
                    },
            },
            LendablePercent: limited.lendablePercent ?? null,
            BorrowingLimitPercent: limited.borrowingLimitPercent ?? null,
          },
    Exempt:
      exempt === undefined
        ? null
        : {
            NominalConcurrencyShares: exempt.nominalConcurrencyShares ?? null,
            LendablePercent: exempt.lendablePercent ?? null,
          },
  };
}
