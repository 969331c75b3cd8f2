import json
import os
import urllib.parse
import urllib.request

AGENT = f"http://localhost:{os.environ.get('AGENT_PORT', '2773')}"
with open(os.environ.get("AGENT_TOKEN", "/var/run/awssmatoken")) as file:
    HEADERS = {"X-Aws-Parameters-Secrets-Token": file.read().strip()}


def get_secret(secret_id, **more):
    query = urllib.parse.urlencode({"secretId": secret_id, **more})
    request = urllib.request.Request(f"{AGENT}/secretsmanager/get?{query}", headers=HEADERS)
    with urllib.request.urlopen(request) as response:
        return json.load(response)["SecretString"]


print(get_secret("app/db"))
print(get_secret("app/db", refreshNow="true"))
print(get_secret("app/db", versionStage="AWSPREVIOUS"))
