// What the runtime is told of a function: one version of its code with one configuration.

export type FunctionVersion = {
  /** The ARN of the function, with or without a qualifier. Its fourth part names the Region. */
  readonly arn: string
  readonly name: string
  /** `$LATEST` or a number. */
  readonly version: string
  /** Of the deployment package. Other code is another instance. */
  readonly codeSha256: string
  /** The unpacked code, which nothing may change while the function can run. */
  readonly codeDirectory: string
  /** Lambda's name of it, such as `python3.13`. */
  readonly runtime: string
  readonly handler: string
  /** 1 to 900. Counted from the moment in which the runtime is given the invocation. */
  readonly timeoutSeconds: number
  /** MiB, from 128. */
  readonly memoryMb: number
  /** MiB of its own folder for temporary files; 512 where it is not given. */
  readonly ephemeralStorageMb?: number
  /** The variables that its owner has set; none of `reservedVariables`. */
  readonly environment: { readonly [name: string]: string }
}

export const regionOf = ({ arn }: FunctionVersion): string => arn.split(':')[3] ?? ''
