// Rotates a secret that is nobody's password: what reads it takes what is current. For a database, setSecret changes the password there and
// testSecret logs in with it. https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html

import { ResourceNotFoundException, SecretsManager } from '@aws-sdk/client-secrets-manager'

const client = new SecretsManager()

export const handler = async ({ Step, SecretId, ClientRequestToken, RotationToken }) => {
  const pending = { SecretId, VersionId: ClientRequestToken, VersionStage: 'AWSPENDING' }
  switch (Step) {
    case 'createSecret': {
      // A step may be called again: what it made the first time stays.
      const made = await client.getSecretValue(pending).catch((error) => {
        if (error instanceof ResourceNotFoundException) return undefined
        throw error
      })
      if (made !== undefined) return
      const { RandomPassword } = await client.getRandomPassword({ PasswordLength: 40, ExcludePunctuation: true })
      const value = { SecretString: RandomPassword, VersionStages: ['AWSPENDING'] }
      return void (await client.putSecretValue({ SecretId, ClientRequestToken, RotationToken, ...value }))
    }
    case 'setSecret':
      return
    case 'testSecret':
      return void (await client.getSecretValue(pending))
    case 'finishSecret': {
      const { VersionIdsToStages } = await client.describeSecret({ SecretId })
      const [current] = Object.entries(VersionIdsToStages).find(([, stages]) => stages.includes('AWSCURRENT'))
      if (current === ClientRequestToken) return
      await client.updateSecretVersionStage({
        SecretId,
        VersionStage: 'AWSCURRENT',
        MoveToVersionId: ClientRequestToken,
        RemoveFromVersionId: current,
      })
    }
  }
}
