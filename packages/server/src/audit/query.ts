// Finds events in the trail, newest first, across every chain and database; looks at a bounded number of them and says where to go on.

import { IntegrityError } from '../errors.ts'
import type { Database, Transaction } from '../storage/database.ts'
import { type Block, DIRECTORY, linesOf } from './block.ts'
import { BLOCK_COLUMNS, type BlockRow, toBlock } from './chain.ts'
import { SEGMENT_SPAN_MS_MAX, type SegmentRow, unpackSegment } from './segment.ts'

/** The attributes that LookupEvents knows. */
export type LookupKey =
  | 'EventId'
  | 'EventName'
  | 'ReadOnly'
  | 'Username'
  | 'ResourceType'
  | 'ResourceName'
  | 'EventSource'
  | 'AccessKeyId'

export type TrailQuery = {
  readonly account: string
  readonly region: string
  readonly filter?: { readonly key: LookupKey; readonly value: string }
  /** Milliseconds since the epoch; both ends are included, to the second. */
  readonly startTime: number
  readonly endTime: number
  readonly limit: number
  /** Where an earlier page ended. */
  readonly after?: TrailPosition
}

/** An event that was looked at: its block's last time, chain and seq, and its line in the block. */
export type TrailPosition = {
  readonly time: number
  readonly chain: string
  readonly seq: number
  readonly line: number
}

/** The members of a CloudTrail record that a search reads. */
export type TrailRecord = {
  readonly eventID: string
  readonly eventName: string
  readonly eventTime: string
  readonly eventSource: string
  readonly readOnly: boolean
  readonly awsRegion: string
  readonly recipientAccountId: string
  readonly userIdentity: {
    readonly type?: string
    readonly userName?: string
    readonly accessKeyId?: string
    readonly principalId?: string
  }
  readonly resources?: readonly { readonly ARN: string; readonly type: string }[]
}

export type FoundEvent = { readonly record: TrailRecord; readonly json: string }

export type TrailPage = {
  readonly events: readonly FoundEvent[]
  /** Absent where nothing older is left. */
  readonly next?: TrailPosition
}

/** What one page may look at before it returns what it has. */
export const EXAMINED_EVENTS_MAX = 20_000
export const EXAMINED_BYTES_MAX = 33_554_432

/** Sorts after the name of any chain. */
const AFTER_EVERY_CHAIN = '~'
const ROWS_PER_READ = 32
const SEGMENTS_PER_READ = 8

export function lookupEvents(databases: readonly Database[], query: TrailQuery): Promise<TrailPage> {
  return withTransactions(databases, [], (transactions) => search(transactions, query))
}

/** One snapshot of each database for the whole page, so that retention cannot move a block past the search. */
function withTransactions<T>(
  databases: readonly Database[],
  open: readonly Transaction[],
  work: (transactions: readonly Transaction[]) => Promise<T>,
): Promise<T> {
  const [first, ...rest] = databases
  if (first === undefined) return work(open)
  return first.transaction('read', (tx) => withTransactions(rest, [...open, tx], work))
}

async function search(transactions: readonly Transaction[], query: TrailQuery): Promise<TrailPage> {
  const since = floorSecond(query.startTime)
  const until = floorSecond(query.endTime) + 999
  const from = query.after ?? { time: until, chain: AFTER_EVERY_CHAIN, seq: Number.MAX_SAFE_INTEGER, line: 0 }
  const matches = matcher(query)
  const sources = transactions.map((tx) => new BlockSource(tx, from, since))
  const events: FoundEvent[] = []
  let examinedEvents = 0
  let examinedBytes = 0
  for (;;) {
    const block = await takeNewest(sources)
    if (block === undefined) return { events }
    const lines = read(block, () => linesOf(block))
    const resumes = query.after !== undefined && compare(block, query.after) === 0
    for (let line = (resumes ? query.after.line : lines.length) - 1; line >= 0; line--) {
      const json = lines[line]!
      const record = read(block, () => matches(json))
      if (record !== undefined) events.push({ record, json })
      examinedEvents += 1
      examinedBytes += json.length
      if (
        events.length === query.limit ||
        examinedEvents >= EXAMINED_EVENTS_MAX ||
        examinedBytes >= EXAMINED_BYTES_MAX
      ) {
        return { events, next: { time: block.lastTime, chain: block.chain, seq: block.seq, line } }
      }
    }
  }
}

/** What cannot be read at all was altered. What reads well may be altered too: that is for verifyTrail to say. */
function read<T>({ chain, seq }: { readonly chain: string; readonly seq: number }, parse: () => T): T {
  try {
    return parse()
  } catch {
    throw new IntegrityError('audit_block', [chain, String(seq)], 'was altered outside the server')
  }
}

const floorSecond = (time: number): number => Math.floor(time / 1000) * 1000

async function takeNewest(sources: readonly BlockSource[]): Promise<Block | undefined> {
  let newest: BlockSource | undefined
  for (const source of sources) {
    await source.fill()
    if (source.head !== undefined && (newest?.head === undefined || compare(source.head, newest.head) > 0)) {
      newest = source
    }
  }
  return newest?.take()
}

type Place = { readonly lastTime: number; readonly chain: string; readonly seq: number }

/** The order of the search, and of the indexes it reads. */
function compare(a: Place, b: Place | TrailPosition): number {
  const time = a.lastTime - ('lastTime' in b ? b.lastTime : b.time)
  if (time !== 0) return time
  if (a.chain !== b.chain) return a.chain < b.chain ? -1 : 1
  return a.seq - b.seq
}

/** The blocks of one database from a position on, newest first, whether they stand alone or in segments. */
class BlockSource {
  readonly #tx: Transaction
  readonly #from: TrailPosition
  readonly #since: number
  /** Blocks in hand, the newest last. */
  #blocks: Block[] = []
  #rows: BlockRow[] = []
  #segments: SegmentRow[] = []
  #rowsAt: TrailPosition | undefined
  #segmentsAt: TrailPosition | undefined

  constructor(tx: Transaction, from: TrailPosition, since: number) {
    this.#tx = tx
    this.#from = from
    this.#since = since
    this.#rowsAt = from
    this.#segmentsAt = { ...from, time: from.time + SEGMENT_SPAN_MS_MAX, chain: AFTER_EVERY_CHAIN }
  }

  get head(): Block | undefined {
    return this.#blocks.at(-1)
  }

  take(): Block | undefined {
    return this.#blocks.pop()
  }

  /** Opens rows and segments until the newest block in hand is the newest of all that are left. */
  async fill(): Promise<void> {
    for (;;) {
      if (this.#rows.length === 0 && this.#rowsAt !== undefined) await this.#readRows(this.#rowsAt)
      if (this.#segments.length === 0 && this.#segmentsAt !== undefined) await this.#readSegments(this.#segmentsAt)
      const row = this.#rows[0]
      const segment = this.#segments[0]
      const headTime = this.head?.lastTime ?? Number.NEGATIVE_INFINITY
      if (segment !== undefined && Number(segment.last_time) >= Math.max(headTime, Number(row?.last_time ?? 0))) {
        this.#segments.shift()
        this.#hold(read({ chain: segment.chain, seq: Number(segment.first_seq) }, () => unpackSegment(segment)))
      } else if (row !== undefined && Number(row.last_time) >= headTime) {
        this.#rows.shift()
        this.#hold([toBlock(row)])
      } else {
        return
      }
    }
  }

  #hold(blocks: readonly Block[]): void {
    const wanted = blocks.filter((block) => block.lastTime >= this.#since && this.#isReached(block))
    this.#blocks = [...this.#blocks, ...wanted].sort(compare)
  }

  /** Not before the position; at it where lines of the block are left. */
  #isReached(block: Block): boolean {
    const order = compare(block, this.#from)
    return order < 0 || (order === 0 && this.#from.line > 0)
  }

  async #readRows({ time, chain, seq }: TrailPosition): Promise<void> {
    this.#rows = [
      ...(await this.#tx.all<BlockRow>(
        `SELECT ${BLOCK_COLUMNS} FROM audit_block
         WHERE last_time >= $1 AND last_time <= $2 AND (last_time < $2 OR chain < $3 OR (chain = $3 AND seq <= $4)) AND chain <> $5
         ORDER BY last_time DESC, chain DESC, seq DESC LIMIT ${ROWS_PER_READ}`,
        this.#since,
        time,
        chain,
        seq,
        DIRECTORY,
      )),
    ]
    const last = this.#rows.at(-1)
    this.#rowsAt =
      last === undefined || this.#rows.length < ROWS_PER_READ
        ? undefined
        : { time: Number(last.last_time), chain: last.chain, seq: Number(last.seq) - 1, line: 0 }
  }

  async #readSegments({ time, chain, seq }: TrailPosition): Promise<void> {
    this.#segments = [
      ...(await this.#tx.all<SegmentRow>(
        `SELECT chain, first_seq, last_seq, first_time, last_time, stored_bytes, body FROM audit_segment
         WHERE last_time >= $1 AND last_time <= $2 AND (last_time < $2 OR chain < $3 OR (chain = $3 AND first_seq <= $4))
           AND first_time <= $5
         ORDER BY last_time DESC, chain DESC, first_seq DESC LIMIT ${SEGMENTS_PER_READ}`,
        this.#since,
        time,
        chain,
        seq,
        this.#from.time,
      )),
    ]
    const last = this.#segments.at(-1)
    this.#segmentsAt =
      last === undefined || this.#segments.length < SEGMENTS_PER_READ
        ? undefined
        : { time: Number(last.last_time), chain: last.chain, seq: Number(last.first_seq) - 1, line: 0 }
  }
}

/** Reads a line only where its text can match; what decides are the members of the record itself. */
function matcher({ account, region, filter }: TrailQuery): (json: string) => TrailRecord | undefined {
  const accountText = `"recipientAccountId":"${account}"`
  const regionText = `"awsRegion":${JSON.stringify(region)}`
  const filterText = filter === undefined || filter.key === 'Username' ? undefined : textOf(filter.value)
  const test = filter === undefined ? () => true : attributeTest(filter.key, filter.value)
  return (json) => {
    if (!json.includes(accountText) || !json.includes(regionText)) return undefined
    if (filterText !== undefined && !json.includes(filterText)) return undefined
    const record = JSON.parse(json) as TrailRecord
    const own = record.recipientAccountId === account && record.awsRegion === region
    return own && test(record) ? record : undefined
  }
}

const textOf = (value: string): string => JSON.stringify(value).slice(1, -1)

function attributeTest(key: LookupKey, value: string): (record: TrailRecord) => boolean {
  switch (key) {
    case 'EventId':
      return (record) => record.eventID === value
    case 'EventName':
      return (record) => record.eventName === value
    case 'ReadOnly':
      return (record) => String(record.readOnly) === value
    case 'Username':
      return (record) => userNameOf(record) === value
    case 'ResourceType':
      return (record) => record.resources?.some((resource) => resource.type === value) ?? false
    case 'ResourceName':
      return (record) => record.resources?.some((resource) => resource.ARN === value) ?? false
    case 'EventSource':
      return (record) => record.eventSource === value
    case 'AccessKeyId':
      return (record) => record.userIdentity.accessKeyId === value
  }
}

/** A user's name, the name of a role session, and `root` for the account itself; undefined for a service and for who comes from elsewhere. */
export function userNameOf({ userIdentity }: TrailRecord): string | undefined {
  const { type, userName, principalId } = userIdentity
  if (type === 'AssumedRole') return principalId?.split(':')[1]
  return userName ?? (type === 'Root' ? 'root' : undefined)
}
