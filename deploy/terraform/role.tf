# The role that signs the enclave's calls to KMS. What it may do with the key is said by the key's policy alone. It may do nothing with the
# table: the enclave signs those calls itself.

resource "aws_iam_role" "parent" {
  name        = "permafrost-${var.deployment}"
  description = "The parent instance of the Permafrost deployment ${var.deployment}."

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Instances"
      Effect    = "Allow"
      Principal = { Service = "ec2.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })

  tags = var.tags

  lifecycle {
    # A key policy keeps a role's inner id: a role made anew under the same name is another one, and KMS refuses it until
    # the policy is put again.
    prevent_destroy = true
  }
}

# What Session Manager's agent needs, and no more: AmazonSSMManagedInstanceCore would also read every parameter of the account.
resource "aws_iam_role_policy" "session_manager" {
  count = var.session_manager ? 1 : 0

  name = "session-manager"
  role = aws_iam_role.parent.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid    = "SessionManager"
      Effect = "Allow"
      Action = [
        "ssm:UpdateInstanceInformation",
        "ssmmessages:CreateControlChannel",
        "ssmmessages:CreateDataChannel",
        "ssmmessages:OpenControlChannel",
        "ssmmessages:OpenDataChannel",
      ]
      # These actions know no resources.
      Resource = "*"
    }]
  })
}

resource "aws_iam_instance_profile" "parent" {
  name = "permafrost-${var.deployment}"
  role = aws_iam_role.parent.name
  tags = var.tags
}
