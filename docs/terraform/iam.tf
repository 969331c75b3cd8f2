# Who may do what: a team of people, a service, and a role for each.

# May read the secrets of the application, and nothing else.
data "aws_iam_policy_document" "read_app" {
  statement {
    actions   = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]
    resources = [aws_secretsmanager_secret.database.arn]
  }

  statement {
    actions   = ["kms:Decrypt"]
    resources = [aws_kms_key.app.arn]
  }
}

resource "aws_iam_policy" "read_app" {
  name        = "read-app"
  path        = "/app/"
  description = "Reads the secrets of the application."
  policy      = data.aws_iam_policy_document.read_app.json

  tags = {
    Application = "shop"
  }
}

# The most that anybody of the team may do, whatever policies they get.
data "aws_iam_policy_document" "boundary" {
  statement {
    actions   = ["secretsmanager:*", "kms:*", "sts:AssumeRole"]
    resources = ["*"]
  }
}

resource "aws_iam_policy" "boundary" {
  name   = "boundary"
  path   = "/app/"
  policy = data.aws_iam_policy_document.boundary.json
}

resource "aws_iam_user" "alice" {
  name                 = "alice"
  path                 = "/people/"
  permissions_boundary = aws_iam_policy.boundary.arn

  tags = {
    Team = "shop"
  }
}

resource "aws_iam_group" "developers" {
  name = "developers"
  path = "/people/"
}

resource "aws_iam_user_group_membership" "alice" {
  user   = aws_iam_user.alice.name
  groups = [aws_iam_group.developers.name]
}

resource "aws_iam_group_policy_attachment" "developers" {
  group      = aws_iam_group.developers.name
  policy_arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
}

data "aws_iam_policy_document" "assume_app" {
  statement {
    actions   = ["sts:AssumeRole"]
    resources = [aws_iam_role.app.arn]
  }
}

resource "aws_iam_group_policy" "assume_app" {
  name   = "assume-app"
  group  = aws_iam_group.developers.name
  policy = data.aws_iam_policy_document.assume_app.json
}

# The role of the application: alice may take it.
data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "AWS"
      identifiers = [aws_iam_user.alice.arn]
    }
  }
}

resource "aws_iam_role" "app" {
  name                 = "app"
  path                 = "/app/"
  description          = "The application."
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  max_session_duration = 7200

  tags = {
    Application = "shop"
  }
}

resource "aws_iam_role_policy_attachment" "app" {
  role       = aws_iam_role.app.name
  policy_arn = aws_iam_policy.read_app.arn
}
