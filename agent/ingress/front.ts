/** Where a request came in. */
export interface Front {
  /** By which the routes are known that requests take here. */
  readonly entry: string;
  readonly isTls: boolean;
  /** By which clients reach it. */
  readonly port: number;
  /** Of https, where the node listens for it. */
  readonly tlsPort: number | undefined;
}
