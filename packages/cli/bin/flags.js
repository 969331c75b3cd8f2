// What Node is started with, by the command: flags that close ways into its memory, and some that use it well. Plain JavaScript, as strongroom.js is.

/** For what holds secrets for long: no __proto__, no eval, no environment in crash reports, no native addons. */
const HARDENED = [
  '--disable-proto=delete',
  '--disallow-code-generation-from-strings',
  '--report-exclude-env',
  '--no-addons',
]
/** No debugger by signal; the signal is lost to us too, so that `run`, which passes it on, goes without. */
const NO_DEBUGGER = '--disable-sigusr1'
/** There, before the signal is caught, it opens one still: its address has a part that nobody guesses, and no port tells it. */
const QUIET_DEBUGGER = '--inspect-publish-uid=stderr'
/** Short-lived objects are collected in small steps: a third less memory beside every application, and no slower. */
const SMALL = '--max-semi-space-size=4'

/**
 * V8 allocates among the old for good what once, as in a burst of first requests, outlived a collection of the young: all that a request has
 * read then waits for a collection of the old, which costs a tenth of the speed and doubles the memory.
 */
const YOUNG = '--no-allocation-site-pretenuring'

/** Of threads too; where nothing is started anew, what this process itself warns of is left out by run(). */
const QUIET = '--disable-warning=ExperimentalWarning'

export const FLAGS = {
  serve: [QUIET, ...HARDENED, NO_DEBUGGER, YOUNG],
  agent: [QUIET, ...HARDENED, NO_DEBUGGER, SMALL],
  run: [QUIET, ...HARDENED, QUIET_DEBUGGER],
}
