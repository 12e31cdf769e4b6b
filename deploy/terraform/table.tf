# The table of the records, if an enclave reaches them itself, with the policy that closes it to everyone else, and who the enclave is for
# AWS (docs/store-table.md). The instances' role has no right on it.

locals {
  table_policy = var.table ? templatefile("${path.module}/table-policy.json.tftpl", {
    table      = aws_dynamodb_table.records[0].arn
    enclave    = aws_iam_user.enclave[0].arn
    principals = jsonencode(concat([aws_iam_user.enclave[0].arn], var.administrators))
  }) : null

  enclave_policy = var.table ? templatefile("${path.module}/enclave-policy.json.tftpl", {
    table = aws_dynamodb_table.records[0].arn
  }) : null
}

resource "aws_dynamodb_table" "records" {
  count = var.table ? 1 : 0

  name         = "permafrost-${var.deployment}"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "kind"
  range_key    = "id"

  attribute {
    name = "kind"
    type = "S"
  }

  attribute {
    name = "id"
    type = "S"
  }

  deletion_protection_enabled = true

  point_in_time_recovery {
    enabled = true
  }

  tags = var.tags

  lifecycle {
    # Who loses this table loses every record of the deployment.
    prevent_destroy = true
  }
}

resource "aws_dynamodb_resource_policy" "records" {
  count = var.table ? 1 : 0

  resource_arn                        = aws_dynamodb_table.records[0].arn
  policy                              = local.table_policy
  confirm_remove_self_resource_access = false

  lifecycle {
    # Without it, IAM policies of the whole account decide who reads and writes.
    prevent_destroy = true

    precondition {
      condition     = !anytrue([for arn in var.administrators : endswith(arn, ":root")])
      error_message = "administrators takes users and roles if there is a table: in its policy the account's root would be the root user alone."
    }
  }
}

# Its access key is not made here, because it would be in the state: permafrost store table access-key.
resource "aws_iam_user" "enclave" {
  count = var.table ? 1 : 0

  name = "permafrost-${var.deployment}"
  tags = var.tags

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_iam_user_policy" "enclave" {
  count = var.table ? 1 : 0

  name   = "permafrost-store"
  user   = aws_iam_user.enclave[0].name
  policy = local.enclave_policy
}
