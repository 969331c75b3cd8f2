// A change event in the form of Amazon EventBridge. It tells what changed and never a value.
// https://docs.aws.amazon.com/eventbridge/latest/ref/overview-event-structure.html

/** What changed. */
export type Change = {
  /** That of AWS's service for the events that AWS has, `strongroom` for those that it has not. */
  readonly source: 'aws.secretsmanager' | 'aws.ssm' | 'strongroom'
  readonly detailType: string
  /** An object, or the JSON of one. */
  readonly detail: { readonly [member: string]: unknown } | string
  /** The staging label that it tells of. */
  readonly label?: string
}

/** Which secret or parameter changed. */
export type Changed = {
  readonly account: string
  readonly region: string
  readonly arn: string
  /** Its revision after the change: it orders the events of one secret or parameter. */
  readonly rev: number
}

/** An event as it stands in the outbox. */
export type OutboxRow = {
  readonly id: string
  /** Milliseconds since the epoch, wall clock. */
  readonly at: number
  readonly arn: string
  readonly rev: number
  /** Orders the events of one moment. */
  readonly part: number
  /** Empty where it tells of no staging label. */
  readonly label: string
  /** The event as one line of JSON. */
  readonly body: string
}

/** An event that readers may see. */
export type PublishedEvent = Pick<OutboxRow, 'id' | 'at' | 'arn' | 'label' | 'body'> & {
  /** From 1, rising by one: readers resume after it. */
  readonly seq: number
}

/** The event as one line of JSON, its members in the order in which AWS prints them. `at` in milliseconds. */
export function encodeChange(id: string, at: number, { account, region, arn }: Changed, change: Change): string {
  const { source, detailType, detail } = change
  const head = JSON.stringify({
    version: '0',
    id,
    'detail-type': detailType,
    source,
    account,
    time: `${new Date(at).toISOString().slice(0, 19)}Z`,
    region,
    resources: arn === '' ? [] : [arn],
  })
  return `${head.slice(0, -1)},"detail":${typeof detail === 'string' ? detail : JSON.stringify(detail)}}`
}
