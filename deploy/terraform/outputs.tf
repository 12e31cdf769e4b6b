output "key_arn" {
  description = "The key's ARN, for kms.key_arn of the measured configuration."
  value       = aws_kms_key.root_secret.arn
}

output "key_policy" {
  description = "The key's policy as it is applied, for `permafrost kms check`."
  value       = local.key_policy
}

output "role_arn" {
  description = "The role of the instance, for `permafrost kms policy --role`."
  value       = aws_iam_role.parent.arn
}

output "instance_id" {
  description = "The parent instance, or the first of several, for `aws ssm start-session --target`."
  value       = aws_instance.parent[0].id
}

output "store_volume_id" {
  description = "The volume with the record store, for snapshots; null with a table."
  value       = one(aws_ebs_volume.store[*].id)
}

output "instance_ids" {
  description = "All parent instances."
  value       = aws_instance.parent[*].id
}

output "table_arn" {
  description = "The table's ARN, for store.dynamodb of the measured configuration and for `permafrost store table`; null without one."
  value       = one(aws_dynamodb_table.records[*].arn)
}

output "enclave_arn" {
  description = "The enclave's user, for `permafrost store table --enclave`; null without a table."
  value       = one(aws_iam_user.enclave[*].arn)
}

output "load_balancer" {
  description = "The DNS name of the load balancer; null without one."
  value       = one(aws_lb.parents[*].dns_name)
}
