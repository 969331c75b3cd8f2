// Shapes: one declaration of a member gives its TypeScript type, its decoding, its limits with AWS's wording, its encoding and its redaction.

type Common = {
  /** The value never reaches the audit trail, a log or an error message. */
  readonly sensitive?: boolean
  /** No secret, but bytes that tell a reader of the trail nothing: ciphertext, signatures, tokens. Left out of it, as on AWS. */
  readonly unlogged?: boolean
}

export type StringShape<T extends string = string> = Common & {
  readonly kind: 'string'
  /** Lengths are counted in characters (UTF-16 code units, as AWS's services on the JVM count them). */
  readonly min?: number
  readonly max?: number
  /** Matched against the whole value. Written as AWS prints it in its error. */
  readonly pattern?: RegExp
  readonly patternText?: string
  readonly enum?: readonly T[]
  /** AWS's whole message where a service has its own words for a value that does not match the pattern. */
  readonly message?: string
  readonly type?: T
}
/** Base64 on the wire; limits are on the decoded bytes. */
export type BlobShape = Common & { readonly kind: 'blob'; readonly min?: number; readonly max?: number }
export type IntegerShape = Common & {
  readonly kind: 'integer'
  readonly min?: number
  readonly max?: number
  /** Any number; only in JSON. */
  readonly fractions?: true
}
export type BooleanShape = Common & { readonly kind: 'boolean' }
/** Milliseconds since the epoch inside; a JSON number of seconds, or ISO 8601 in XML, outside. */
export type TimestampShape = Common & { readonly kind: 'timestamp' }
export interface ListShape<M extends Shape = Shape> extends Common {
  readonly kind: 'list'
  readonly member: M
  readonly min?: number
  readonly max?: number
  /** Query: what each item is called, where it is not `member`. https://smithy.io/2.0/spec/protocol-traits.html#xmlname-trait */
  readonly itemName?: string
}
export interface MapShape<V extends Shape = Shape> extends Common {
  readonly kind: 'map'
  readonly key: StringShape
  readonly value: V
  readonly max?: number
}
export interface StructureShape<M extends Members = Members> extends Common {
  readonly kind: 'structure'
  readonly members: M
}

export type Shape =
  | StringShape
  | BlobShape
  | IntegerShape
  | BooleanShape
  | TimestampShape
  | ListShape
  | MapShape
  | StructureShape

export interface Optional<S extends Shape = Shape> {
  readonly optional: true
  readonly shape: S
}
export type Member = Shape | Optional
export interface Members {
  readonly [name: string]: Member
}

type ShapeOf<M> = M extends Optional<infer S> ? S : M
type OptionalNames<M> = { [K in keyof M]: M[K] extends Optional ? K : never }[keyof M]
type Flatten<T> = { [K in keyof T]: T[K] }

/** The TypeScript type of a shape's value. */
export type ValueOf<S> =
  S extends StringShape<infer T>
    ? T
    : S extends BlobShape
      ? Uint8Array
      : S extends IntegerShape | TimestampShape
        ? number
        : S extends BooleanShape
          ? boolean
          : S extends ListShape<infer M>
            ? readonly ValueOf<M>[]
            : S extends MapShape<infer V>
              ? { readonly [key: string]: ValueOf<V> }
              : S extends StructureShape<infer M>
                ? ValuesOf<M>
                : never

/** The TypeScript type of a structure's members: what an operation's `run` receives and returns. */
export type ValuesOf<M extends Members> = Flatten<
  { readonly [K in Exclude<keyof M, OptionalNames<M>>]: ValueOf<M[K]> } & {
    readonly [K in OptionalNames<M>]?: ValueOf<ShapeOf<M[K]>> | undefined
  }
>

export const string = <T extends string = string>(limits: Omit<StringShape<T>, 'kind'> = {}): StringShape<T> => ({
  kind: 'string',
  ...limits,
})
export const enumeration = <T extends string>(...values: readonly T[]): StringShape<T> => ({
  kind: 'string',
  enum: values,
})
export const blob = (limits: Omit<BlobShape, 'kind'> = {}): BlobShape => ({ kind: 'blob', ...limits })
export const integer = (limits: Omit<IntegerShape, 'kind'> = {}): IntegerShape => ({ kind: 'integer', ...limits })
export const boolean = (): BooleanShape => ({ kind: 'boolean' })
export const timestamp = (): TimestampShape => ({ kind: 'timestamp' })
export const list = <M extends Shape>(member: M, limits: Omit<ListShape<M>, 'kind' | 'member'> = {}): ListShape<M> => ({
  kind: 'list',
  member,
  ...limits,
})
export const map = <V extends Shape>(
  key: StringShape,
  value: V,
  limits: Omit<MapShape<V>, 'kind' | 'key' | 'value'> = {},
): MapShape<V> => ({ kind: 'map', key, value, ...limits })
export const structure = <M extends Members>(members: M): StructureShape<M> => ({ kind: 'structure', members })
export const optional = <S extends Shape>(shape: S): Optional<S> => ({ optional: true, shape })

export const shapeOf = (member: Member): Shape => ('optional' in member ? member.shape : member)
export const isOptional = (member: Member): boolean => 'optional' in member
