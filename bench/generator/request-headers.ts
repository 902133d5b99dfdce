/** A request's header block for one connection that asks one method only (RFC 7541). */
export interface RequestBlocks {
  /** Puts the headers into the peer's table. */
  readonly first: Buffer;
  /** The same headers by their indexes; each index is a byte. */
  readonly later: Buffer;
}

const methodPost = 0x83;
const schemeHttp = 0x86;
const schemeHttps = 0x87;
/** Indexes of names in the static table. */
const authorityName = 1;
const pathName = 4;
const contentTypeName = 31;
/** The first index behind the static table: the header that came last. */
const newest = 62;

export function requestBlocks(request: {
  readonly authority: string;
  readonly path: string;
  readonly isSecure: boolean;
}): RequestBlocks {
  const fixed = Buffer.from([methodPost, request.isSecure ? schemeHttps : schemeHttp]);
  const first = Buffer.concat([
    fixed,
    indexed(pathName, request.path),
    indexed(authorityName, request.authority),
    indexed(contentTypeName, "application/grpc"),
    Buffer.from([0x40]),
    text("te"),
    text("trailers"),
  ]);
  // The oldest of the four has the highest index.
  const later = Buffer.concat([fixed, Buffer.from([3, 2, 1, 0].map((age) => 0x80 | (newest + age)))]);
  return { first, later };
}

/** A literal that the table keeps, with a name of the static table. */
const indexed = (name: number, value: string): Buffer =>
  Buffer.concat([Buffer.from([0x40 | name]), text(value)]);

function text(value: string): Buffer {
  if (value.length >= 127) throw new RangeError(`a header of ${value.length} bytes: ${value}`);
  return Buffer.concat([Buffer.from([value.length]), Buffer.from(value, "latin1")]);
}
