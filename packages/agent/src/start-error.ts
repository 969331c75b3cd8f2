// Why the agent cannot start: one line for whoever started it. It repeats no value of the configuration.

export class StartError extends Error {
  override readonly name = 'StartError'
}
