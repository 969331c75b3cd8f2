# A secret with a value, a policy of its own and a replica in another Region; one whose value somebody else puts.

resource "aws_secretsmanager_secret" "database" {
  name        = "shop/database"
  description = "How the shop reaches its database."
  kms_key_id  = aws_kms_key.app.arn

  # 0 deletes at once; AWS's default keeps a deleted secret for 30 days.
  recovery_window_in_days = 0

  tags = {
    Application = "shop"
  }
}

# The value stands in Terraform's state, in plain text. Provider 6 on Terraform 1.11 can leave it out: secret_string_wo.
resource "aws_secretsmanager_secret_version" "database" {
  secret_id = aws_secretsmanager_secret.database.id

  secret_string = jsonencode({
    username = "shop"
    password = "change me"
  })
}

data "aws_iam_policy_document" "database" {
  statement {
    sid       = "TheApplicationReads"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = [aws_iam_role.app.arn]
    }
  }
}

resource "aws_secretsmanager_secret_policy" "database" {
  secret_arn          = aws_secretsmanager_secret.database.arn
  policy              = data.aws_iam_policy_document.database.json
  block_public_policy = true
}

resource "aws_secretsmanager_secret" "replicated" {
  name                    = "shop/partner-token"
  recovery_window_in_days = 0

  replica {
    region = "us-west-2"
  }
}

output "secret_arn" {
  value = aws_secretsmanager_secret.database.arn
}

output "role_arn" {
  value = aws_iam_role.app.arn
}
