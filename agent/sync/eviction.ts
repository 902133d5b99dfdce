/** That a pod is to end for good, for what it takes of the node, or as the node goes down. */
export interface Eviction {
  /** In its status; that it was evicted by default. */
  readonly reason?: string;
  /** Why. */
  readonly message: string;
  readonly graceSeconds: number;
  /** Of the event that tells of it. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** The pod did nothing wrong: it has to go for others' sake, which a condition says. */
  readonly disrupts?: boolean;
}

/** Why the agent ended a pod. */
export interface PodFailure {
  readonly reason: string;
  readonly message: string;
  readonly disrupts?: boolean;
}
