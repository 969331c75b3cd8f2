// Level A: the options of bubblewrap. The program sees its code at /var/task, our bootstraps at /var/runtime and its scratch folder at
// /tmp, as on Lambda, and of the machine only what it needs to run; its process ids are its own.
// https://github.com/containers/bubblewrap/blob/main/bwrap.xml

import type { LaunchPlan } from '../launch.ts'
import { AMAZON_AUTHORITIES, DEVICES, isBelow, type SystemFiles } from './system-files.ts'

/** Where Lambda has them. */
const SEEN = { taskDirectory: '/var/task', runtimeDirectory: '/var/runtime', scratchDirectory: '/tmp' } as const
/** Who functions are on Lambda; outside of their user namespace they are who the server made them. */
const [UID, GID] = ['993', '990']
/** Without a terminal: a device can be written however it is mounted. */
const STREAMS = {
  fd: '/proc/self/fd',
  stdin: '/proc/self/fd/0',
  stdout: '/proc/self/fd/1',
  stderr: '/proc/self/fd/2',
} as const

/** What may be written is the scratch folder alone: everything else is mounted read-only. */
export function bubblewrapOptions(plan: LaunchPlan, system: SystemFiles): readonly string[] {
  const readOnly = (path: string, seen = path): readonly string[] => ['--ro-bind', path, seen]
  const isSystem = (path: string): boolean => system.folders.some((folder) => isBelow(path, folder.path))
  return [
    ...['--unshare-user', '--uid', UID, '--gid', GID, '--unshare-ipc', '--unshare-pid', '--unshare-uts'],
    ...['--unshare-cgroup-try', '--die-with-parent', '--new-session', '--cap-drop', 'ALL', '--clearenv'],
    ...['--hostname', 'localhost'],
    ...system.folders.flatMap(({ path, link }) => (link === undefined ? readOnly(path) : ['--symlink', link, path])),
    ...system.settings.flatMap((path) => readOnly(path)),
    ...(system.authorities === undefined || system.settings.some((path) => isBelow(AMAZON_AUTHORITIES, path))
      ? []
      : readOnly(system.authorities, AMAZON_AUTHORITIES)),
    ...['--proc', '/proc', '--dir', '/dev'],
    ...DEVICES.flatMap((device) => ['--dev-bind', device, device]),
    ...Object.entries(STREAMS).flatMap(([name, target]) => ['--symlink', target, `/dev/${name}`]),
    ...['--bind', plan.scratchDirectory, SEEN.scratchDirectory],
    ...plan.readable.filter((path) => !isSystem(path)).flatMap((path) => readOnly(path)),
    ...readOnly(plan.taskDirectory, SEEN.taskDirectory),
    ...readOnly(plan.runtimeDirectory, SEEN.runtimeDirectory),
    ...['--remount-ro', '/proc', '--remount-ro', '/'],
    ...['--chdir', SEEN.taskDirectory],
  ]
}

/** The plan as the program sees it: the host's paths in its command and environment become those of the sandbox. */
export function seenInside(plan: LaunchPlan): Pick<LaunchPlan, 'command' | 'environment'> {
  const moved = (['taskDirectory', 'runtimeDirectory', 'scratchDirectory'] as const)
    .map((directory) => ({ from: plan[directory], to: SEEN[directory] }))
    .sort((one, other) => other.from.length - one.from.length)
    .map(({ from, to }) => ({ pattern: new RegExp(`(?<![\\w./-])${RegExp.escape(from)}(?![\\w.-])`, 'g'), to }))
  const seen = (text: string): string => moved.reduce((result, { pattern, to }) => result.replace(pattern, to), text)
  return {
    command: plan.command.map(seen),
    environment: Object.fromEntries(Object.entries(plan.environment).map(([name, value]) => [name, seen(value)])),
  }
}
