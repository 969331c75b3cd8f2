// A mistake in the configuration.

/** The message is one line for the operator; the process prints it and exits 1. Never carries a secret. */
export class ConfigurationError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ConfigurationError'
  }
}
