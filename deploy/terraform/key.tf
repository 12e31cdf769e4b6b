# The key that the enclave's root secret comes from, and its policy (docs/kms.md).

locals {
  # What is in every generate-only policy, whatever the releases.
  without_releases = templatefile("${path.module}/key-policy.json.tftpl", {
    deployment     = var.deployment
    administrators = jsonencode(var.administrators)
  })

  key_policy = var.key_policy_file == null ? local.without_releases : file(var.key_policy_file)

  statements = jsondecode(local.key_policy).Statement
  releases   = [for statement in local.statements : statement if startswith(statement.Sid, "Allow release ")]
  others     = [for statement in local.statements : statement if !startswith(statement.Sid, "Allow release ")]
}

resource "aws_kms_key" "root_secret" {
  description = "The root secret of the Permafrost deployment ${var.deployment}: data keys for its attested enclaves, nothing else."

  # The policy is a part of the key and no resource of its own (aws_kms_key_policy): destroying that would give the key
  # the default policy, under which IAM policies of the whole account may use it.
  policy                             = local.key_policy
  bypass_policy_lockout_safety_check = false

  # Who loses this key loses every record of the deployment.
  deletion_window_in_days = 30

  key_usage                = "ENCRYPT_DECRYPT"
  customer_master_key_spec = "SYMMETRIC_DEFAULT"
  multi_region             = false

  tags = merge(var.tags, { Name = "permafrost-${var.deployment}" })

  # KMS refuses a policy that names a role that is not there.
  depends_on = [aws_iam_role.parent]

  lifecycle {
    prevent_destroy = true

    precondition {
      condition     = jsonencode(local.others) == jsonencode(jsondecode(local.without_releases).Statement)
      error_message = "key_policy_file has other statements than the generate-only policy of these administrators. Write it anew: permafrost kms policy, with the same administrators in the same order."
    }

    precondition {
      condition     = var.key_policy_file == null || length(local.releases) > 0
      error_message = "key_policy_file lets no release in: permafrost kms policy writes one statement for each."
    }

    precondition {
      condition = alltrue([
        for statement in local.releases :
        jsonencode(statement.Principal) == jsonencode({ AWS = [aws_iam_role.parent.arn] }) &&
        jsonencode(statement.Action) == jsonencode(["kms:Decrypt", "kms:GenerateDataKey"]) &&
        jsonencode(statement.Condition.StringEquals) == jsonencode({
          "kms:EncryptionContext:deployment" = var.deployment
          "kms:EncryptionContext:purpose"    = "root-secret"
        }) &&
        jsonencode(keys(statement.Condition.StringEqualsIgnoreCase)) == jsonencode([for pcr in range(3) : "kms:RecipientAttestation:PCR${pcr}"]) &&
        alltrue([for value in values(statement.Condition.StringEqualsIgnoreCase) : can(regex("^[0-9a-f]{96}$", value)) && length(regexall("[1-9a-f]", value)) > 0])
      ])
      error_message = "key_policy_file lets in something else than releases of this deployment with this module's role and PCR0, PCR1 and PCR2: permafrost kms policy --deployment ${var.deployment} --role ROLE, where ROLE is the output role_arn."
    }
  }
}

# For humans. The enclave's measured configuration has the key's ARN, because anyone who can move an alias could choose the key.
resource "aws_kms_alias" "root_secret" {
  name          = "alias/permafrost-${var.deployment}"
  target_key_id = aws_kms_key.root_secret.key_id
}
