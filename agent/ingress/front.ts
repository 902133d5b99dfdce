/** Where a request came in. */
export interface Front {
  readonly isTls: boolean;
  /** On which the node listens. */
  readonly port: number;
  /** Of https, where the node listens for it. */
  readonly tlsPort: number | undefined;
}
