// Changes that would cost the caller its own access are refused: nobody gives a secret a policy or tags under which the same call would be
// denied, and finds out afterwards.

import type { Call } from '../../call.ts'
import type { Context } from '../../policy/engine.ts'
import type { StoredSecret } from './store.ts'
import { permissionOn, policyOf, type SecretTarget, targetOf } from './target.ts'

/**
 * Whether the caller may put a policy on a target that has the new one already. A root user is locked out by an explicit Deny only.
 * @param conditions the condition keys that this request gives
 */
export const mayPutPolicy = (call: Call, target: SecretTarget, conditions: Context): boolean =>
  call.decide(permissionOn(target, 'secretsmanager:PutResourcePolicy', conditions), target.concealed).allow

/**
 * The caller must be allowed the same action when the secret has the tags that it is about to get.
 * @throws ServiceError AccessDeniedException, as AWS answers "if the operation would result in you losing your permissions for this secret"
 */
export function mustKeepAccess(
  call: Call<{ readonly SecretId: string }> & { readonly target: SecretTarget },
  action: string,
  changed: StoredSecret,
  conditions: Context,
): void {
  const target = targetOf(call, changed, call.input.SecretId, policyOf(call.target))
  call.authorize(permissionOn(target, action, conditions), target.concealed)
}
