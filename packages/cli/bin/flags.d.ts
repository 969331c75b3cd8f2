// The types of flags.js.

export declare const FLAGS: { readonly [command in 'serve' | 'agent' | 'run']: readonly string[] }
