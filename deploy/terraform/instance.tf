# The parent instances: one with the volume that holds the record store, or several that share a table.

data "aws_ssm_parameter" "amazon_linux" {
  count = var.ami_id == null ? 1 : 0
  name  = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
}

resource "aws_instance" "parent" {
  count = var.instances

  ami                  = var.ami_id == null ? data.aws_ssm_parameter.amazon_linux[0].insecure_value : var.ami_id
  instance_type        = var.instance_type
  iam_instance_profile = aws_iam_instance_profile.parent.name
  key_name             = var.key_name

  subnet_id                   = element(local.subnet_ids, count.index)
  vpc_security_group_ids      = [aws_security_group.parent.id]
  associate_public_ip_address = var.associate_public_ip_address

  enclave_options {
    enabled = true
  }

  # Only processes on this instance obtain the role's credentials, in an IMDSv2 session: no forwarded request, no container.
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
    http_protocol_ipv6          = "disabled"
    instance_metadata_tags      = "disabled"
  }

  root_block_device {
    volume_type           = "gp3"
    volume_size           = 16
    encrypted             = true
    delete_on_termination = true
  }

  user_data = templatefile("${path.module}/user-data.sh.tftpl", {
    store_serial = var.table ? "" : replace(aws_ebs_volume.store[0].id, "-", "")
  })

  disable_api_termination = true
  tags                    = merge(var.tags, { Name = join("-", concat(["permafrost", var.deployment], var.instances == 1 ? [] : [count.index])) })

  lifecycle {
    # A newer machine image would make another instance. Update the one that runs, or taint it.
    ignore_changes = [ami]
  }
}

# The record store outlives the instance: without its records the key opens nothing.
resource "aws_ebs_volume" "store" {
  count = var.table ? 0 : 1

  availability_zone = data.aws_subnet.parent.availability_zone
  type              = "gp3"
  size              = var.store_gib
  encrypted         = true
  final_snapshot    = true
  tags              = merge(var.tags, { Name = "permafrost-${var.deployment}-store" })

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_volume_attachment" "store" {
  count = var.table ? 0 : 1

  device_name                    = "/dev/sdf"
  instance_id                    = aws_instance.parent[0].id
  volume_id                      = aws_ebs_volume.store[0].id
  stop_instance_before_detaching = true
}
