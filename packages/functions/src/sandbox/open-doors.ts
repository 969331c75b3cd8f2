// What stays open, in the words of health, logs and docs/sandbox.md. The escape battery walks through each, so that this list is true.

export const OPEN = {
  hosts: 'any host can be reached on the allowed TCP ports',
  ports:
    'any TCP port of any host can be reached, and ports bound though not listened on: this Landlock has no rules for them',
  udp: 'any host and port can be reached by UDP, name servers among them',
  sockets: 'the addresses and ports of the machine’s own connections can be read in /proc/self/net',
  machine: 'programs, libraries and documents below /usr can be read and run',
  processor: 'processor time is not limited',
  metadata: 'whether a path exists, and a file’s size, owner and times, can be asked where its folder can be passed',
  signals: 'signals reach the processes of the server’s user: this Landlock does not stop them',
  orphans: 'processes that a function started outlive a server that is killed',
} as const

export type OpenDoor = keyof typeof OPEN
