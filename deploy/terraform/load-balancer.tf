# One address for several instances. It spreads connections, not requests, so that a client goes on with the enclave that it has verified.

resource "aws_lb" "parents" {
  count = var.load_balancer == null ? 0 : 1

  # A load balancer's name has 32 characters at most.
  name               = trimsuffix(substr("permafrost-${var.deployment}", 0, 32), "-")
  load_balancer_type = "network"
  internal           = var.load_balancer.internal
  subnets            = local.subnet_ids
  security_groups    = [aws_security_group.load_balancer[0].id]

  enable_cross_zone_load_balancing = true
  enable_deletion_protection       = true
  tags                             = var.tags
}

resource "aws_lb_listener" "tls" {
  count = var.load_balancer == null ? 0 : 1

  load_balancer_arn = aws_lb.parents[0].arn
  port              = 443
  protocol          = "TLS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = var.load_balancer.certificate_arn
  tags              = var.tags

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.parents[0].arn
  }
}

resource "aws_lb_target_group" "parents" {
  count = var.load_balancer == null ? 0 : 1

  name        = trimsuffix(substr("permafrost-${var.deployment}", 0, 32), "-")
  target_type = "instance"
  protocol    = "TCP"
  port        = 8080
  vpc_id      = data.aws_subnet.parent.vpc_id
  tags        = var.tags

  # A drained instance ends what it has begun.
  deregistration_delay   = 60
  connection_termination = false

  # Whether this instance's enclave has its root secret and its store, and signs.
  health_check {
    protocol            = "HTTP"
    path                = "/readyz"
    port                = "traffic-port"
    matcher             = "200"
    interval            = 10
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 2
  }

  # New connections of one client reach the same instance while it is healthy.
  stickiness {
    enabled = true
    type    = "source_ip"
  }
}

resource "aws_lb_target_group_attachment" "parents" {
  count = var.load_balancer == null ? 0 : var.instances

  target_group_arn = aws_lb_target_group.parents[0].arn
  target_id        = aws_instance.parent[count.index].id
  port             = 8080
}

resource "aws_security_group" "load_balancer" {
  count = var.load_balancer == null ? 0 : 1

  name_prefix = "permafrost-${var.deployment}-load-balancer-"
  description = "The load balancer of the Permafrost deployment ${var.deployment}"
  vpc_id      = data.aws_subnet.parent.vpc_id
  tags        = merge(var.tags, { Name = "permafrost-${var.deployment}-load-balancer" })

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "load_balancer" {
  for_each = var.load_balancer == null ? toset([]) : toset(var.load_balancer.cidrs)

  security_group_id = aws_security_group.load_balancer[0].id
  description       = "HTTPS from ${each.key}"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = strcontains(each.key, ":") ? null : each.key
  cidr_ipv6         = strcontains(each.key, ":") ? each.key : null
}

resource "aws_vpc_security_group_egress_rule" "load_balancer" {
  count = var.load_balancer == null ? 0 : 1

  security_group_id            = aws_security_group.load_balancer[0].id
  description                  = "The instances"
  ip_protocol                  = "tcp"
  from_port                    = 8080
  to_port                      = 8080
  referenced_security_group_id = aws_security_group.parent.id
}

resource "aws_vpc_security_group_ingress_rule" "from_load_balancer" {
  count = var.load_balancer == null ? 0 : 1

  security_group_id            = aws_security_group.parent.id
  description                  = "The load balancer"
  ip_protocol                  = "tcp"
  from_port                    = 8080
  to_port                      = 8080
  referenced_security_group_id = aws_security_group.load_balancer[0].id
}
