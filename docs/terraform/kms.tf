# The key that the application's secrets are encrypted under.

data "aws_iam_policy_document" "key" {
  # Without this statement nobody could change the key any more: KMS refuses a policy that locks its own caller out.
  statement {
    sid       = "Administration"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::${data.aws_caller_identity.current.account_id}:root"]
    }
  }
}

resource "aws_kms_key" "app" {
  description             = "Secrets of the shop"
  policy                  = data.aws_iam_policy_document.key.json
  deletion_window_in_days = 7
  enable_key_rotation     = true

  tags = {
    Application = "shop"
  }
}

resource "aws_kms_alias" "app" {
  name          = "alias/shop"
  target_key_id = aws_kms_key.app.key_id
}
