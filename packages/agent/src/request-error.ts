// A request that is refused by the agent itself: the status and the text of the answer, which are those of AWS's agent.

export class RequestError extends Error {
  override readonly name = 'RequestError'
  readonly status: number

  constructor(status: number, text: string) {
    super(text)
    this.status = status
  }
}
