import { SSMClient } from '@aws-sdk/client-ssm'
import { ParameterCache } from '@strongroom/cache/parameters'

const parameters = new ParameterCache(new SSMClient())
console.log(await parameters.getParameter('/app/log-level'))

await parameters.close()
