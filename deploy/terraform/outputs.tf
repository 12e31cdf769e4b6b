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
  description = "The parent instance, for `aws ssm start-session --target`."
  value       = aws_instance.parent.id
}

output "store_volume_id" {
  description = "The volume with the record store, for snapshots."
  value       = aws_ebs_volume.store.id
}
