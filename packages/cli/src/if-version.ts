// Writes on condition, which Strongroom has beyond AWS: docs/conditional-writes.md.

type Stack = { add(middleware: unknown, where: object): void }

/** The command, to be carried out only while the version is AWSCURRENT, or the latest one of a parameter. AWS does not look at it. */
export function ifVersion<C extends { readonly middlewareStack: unknown }>(versionId: string, command: C): C {
  const middleware =
    (next: (args: unknown) => unknown) => (args: { readonly request: { headers: { [name: string]: string } } }) => {
      args.request.headers['x-strongroom-if-version'] = versionId
      return next(args)
    }
  ;(command.middlewareStack as Stack).add(middleware, { step: 'build', name: 'ifVersion' })
  return command
}

/** By its name: the SDK knows AWS's errors only. */
export const isOutdated = (error: unknown): boolean => (error as Error).name === 'PreconditionNotMetException'
