# Where the instances are, and what may be connected to.

locals {
  subnet_ids = concat([data.aws_subnet.parent.id], var.other_subnet_ids)
}

data "aws_vpc" "default" {
  count   = var.subnet_id == null ? 1 : 0
  default = true
}

data "aws_subnets" "default" {
  count = var.subnet_id == null ? 1 : 0

  filter {
    name   = "vpc-id"
    values = [data.aws_vpc.default[0].id]
  }

  filter {
    name   = "default-for-az"
    values = ["true"]
  }
}

data "aws_subnet" "parent" {
  id = var.subnet_id == null ? sort(data.aws_subnets.default[0].ids)[0] : var.subnet_id
}

resource "aws_security_group" "parent" {
  name_prefix = "permafrost-${var.deployment}-"
  description = "The parent instance of the Permafrost deployment ${var.deployment}"
  vpc_id      = data.aws_subnet.parent.vpc_id
  tags        = merge(var.tags, { Name = "permafrost-${var.deployment}" })

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "inbound" {
  for_each = { for rule in var.inbound : "${rule.port} from ${rule.cidr}" => rule }

  security_group_id = aws_security_group.parent.id
  description       = each.key
  ip_protocol       = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port
  cidr_ipv4         = strcontains(each.value.cidr, ":") ? null : each.value.cidr
  cidr_ipv6         = strcontains(each.value.cidr, ":") ? each.value.cidr : null
}

# KMS, DynamoDB, Systems Manager and the packages of Amazon Linux are all HTTPS. The addresses of a VPC's own DNS, clock and instance
# metadata are not subject to security groups.
resource "aws_vpc_security_group_egress_rule" "https" {
  for_each = { ipv4 = "0.0.0.0/0", ipv6 = "::/0" }

  security_group_id = aws_security_group.parent.id
  description       = "HTTPS over ${each.key}"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = each.key == "ipv4" ? each.value : null
  cidr_ipv6         = each.key == "ipv6" ? each.value : null
}
