# A secret that a function of the server rotates on a schedule: the function, the role that it runs as, who may call it, and when.

variable "function_zip" {
  type        = string
  description = "rotate/index.mjs, packed: zip -j function.zip rotate/index.mjs"
  default     = "function.zip"
}

data "aws_iam_policy_document" "lambda_takes_role" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "rotation" {
  statement {
    actions = [
      "secretsmanager:DescribeSecret",
      "secretsmanager:GetSecretValue",
      "secretsmanager:PutSecretValue",
      "secretsmanager:UpdateSecretVersionStage",
    ]

    resources = [aws_secretsmanager_secret.token.arn]
  }

  statement {
    actions   = ["secretsmanager:GetRandomPassword"]
    resources = ["*"]
  }
}

resource "aws_iam_role" "rotation" {
  name               = "rotation"
  assume_role_policy = data.aws_iam_policy_document.lambda_takes_role.json
}

resource "aws_iam_role_policy" "rotation" {
  name   = "rotates"
  role   = aws_iam_role.rotation.name
  policy = data.aws_iam_policy_document.rotation.json
}

resource "aws_lambda_function" "rotation" {
  function_name    = "rotate-token"
  role             = aws_iam_role.rotation.arn
  runtime          = "nodejs24.x"
  handler          = "index.handler"
  filename         = var.function_zip
  source_code_hash = filebase64sha256(var.function_zip)
  timeout          = 30
  memory_size      = 256
}

resource "aws_lambda_permission" "rotation" {
  statement_id   = "rotation"
  action         = "lambda:InvokeFunction"
  function_name  = aws_lambda_function.rotation.function_name
  principal      = "secretsmanager.amazonaws.com"
  source_account = data.aws_caller_identity.current.account_id
}

resource "aws_secretsmanager_secret" "token" {
  name                    = "shop/session-key"
  recovery_window_in_days = 0
}

resource "aws_secretsmanager_secret_version" "token" {
  secret_id     = aws_secretsmanager_secret.token.id
  secret_string = "the first one, until the first rotation"

  # Its label moves to the versions that rotations make.
  lifecycle {
    ignore_changes = [version_stages]
  }
}

resource "aws_secretsmanager_secret_rotation" "token" {
  secret_id           = aws_secretsmanager_secret.token.id
  rotation_lambda_arn = aws_lambda_function.rotation.arn

  rotation_rules {
    schedule_expression = "cron(0 2 ? * SUN *)"
    duration            = "2h"
  }

  depends_on = [
    aws_iam_role_policy.rotation,
    aws_lambda_permission.rotation,
    aws_secretsmanager_secret_version.token,
  ]
}
