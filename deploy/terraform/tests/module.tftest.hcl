# `terraform test` with a mocked provider: nothing is asked of AWS. scripts/check-deploy runs it, and adds what takes other
# programs: that the policies are those of `permafrost kms policy`. Only plans are made, since what must not be destroyed could not be
# cleaned up.

mock_provider "aws" {
  override_during = plan

  mock_data "aws_subnets" {
    defaults = { ids = ["subnet-0b", "subnet-0a"] }
  }

  mock_data "aws_subnet" {
    defaults = { id = "subnet-0a", vpc_id = "vpc-0a", availability_zone = "eu-central-1b" }
  }

  mock_resource "aws_ebs_volume" {
    defaults = { id = "vol-0123456789abcdef0" }
  }

  mock_resource "aws_dynamodb_table" {
    defaults = { arn = "arn:aws:dynamodb:eu-central-1:111122223333:table/permafrost-example" }
  }

  mock_resource "aws_iam_user" {
    defaults = { arn = "arn:aws:iam::111122223333:user/permafrost-example" }
  }

  mock_resource "aws_lb" {
    defaults = { arn = "arn:aws:elasticloadbalancing:eu-central-1:111122223333:loadbalancer/net/permafrost-example/0123456789abcdef" }
  }

  mock_resource "aws_lb_target_group" {
    defaults = { arn = "arn:aws:elasticloadbalancing:eu-central-1:111122223333:targetgroup/permafrost-example/0123456789abcdef" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111122223333:role/permafrost-example" }
  }
}

variables {
  deployment     = "example"
  administrators = ["arn:aws:iam::111122223333:role/administrator"]
}

run "the_first_policy_lets_nobody_use_the_key" {
  command = plan

  assert {
    condition     = length([for statement in jsondecode(aws_kms_key.root_secret.policy).Statement : statement if statement.Effect == "Allow"]) == 1
    error_message = "one statement allows: that of the administrators"
  }

  assert {
    condition     = !strcontains(aws_kms_key.root_secret.policy, ":role/permafrost-example")
    error_message = "the instance's role is not in it"
  }
}

run "the_second_policy_is_the_file_as_it_is" {
  command = plan

  variables {
    key_policy_file = "tests/key-policy.json"
  }

  assert {
    condition     = aws_kms_key.root_secret.policy == file("tests/key-policy.json")
    error_message = "the policy is the file's"
  }
}

run "a_policy_with_another_statement_is_refused" {
  command = plan

  variables {
    key_policy_file = "tests/key-policy-open.json"
  }

  expect_failures = [aws_kms_key.root_secret]
}

run "a_policy_of_another_deployment_is_refused" {
  command = plan

  variables {
    deployment      = "other"
    key_policy_file = "tests/key-policy.json"
  }

  expect_failures = [aws_kms_key.root_secret]
}

run "a_policy_of_other_administrators_is_refused" {
  command = plan

  variables {
    administrators  = ["arn:aws:iam::111122223333:role/somebody-else"]
    key_policy_file = "tests/key-policy.json"
  }

  expect_failures = [aws_kms_key.root_secret]
}

run "the_instance_gives_its_role_to_nobody_else" {
  command = plan

  assert {
    condition     = aws_instance.parent[0].metadata_options[0].http_tokens == "required" && aws_instance.parent[0].metadata_options[0].http_put_response_hop_limit == 1
    error_message = "IMDSv2 only, one hop"
  }

  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.inbound) == 0
    error_message = "nothing may connect"
  }

  assert {
    condition     = aws_ebs_volume.store[0].availability_zone == "eu-central-1b" && aws_instance.parent[0].subnet_id == "subnet-0a"
    error_message = "the store is where the instance is"
  }

  assert {
    condition     = strcontains(aws_instance.parent[0].user_data, "serial=vol0123456789abcdef0\n")
    error_message = "the instance knows its store by its serial number"
  }
}

run "inbound_rules_are_as_they_are_given" {
  command = plan

  variables {
    inbound = [{ port = 443, cidr = "192.0.2.0/24" }, { port = 443, cidr = "2001:db8::/32" }]
  }

  assert {
    condition     = [for rule in aws_vpc_security_group_ingress_rule.inbound : rule.cidr_ipv4 if rule.from_port == 443 && rule.to_port == 443][0] == "192.0.2.0/24"
    error_message = "IPv4"
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.inbound["443 from 2001:db8::/32"].cidr_ipv6 == "2001:db8::/32"
    error_message = "IPv6"
  }
}

run "what_is_not_accepted_is_refused" {
  command = plan

  variables {
    deployment    = "Example"
    instance_type = "c7g.large"
    inbound       = [{ port = 22, cidr = "0.0.0.0/0" }]
    store_gib     = 0
    subnet_id     = "default"
    ami_id        = "newest"
  }

  expect_failures = [
    var.ami_id, var.deployment, var.inbound, var.instance_type, var.store_gib, var.subnet_id,
  ]
}

run "a_session_is_no_administrator" {
  command = plan

  variables {
    administrators = ["arn:aws:sts::111122223333:assumed-role/administrator/me"]
  }

  expect_failures = [var.administrators]
}

run "the_instances_role_is_no_administrator" {
  command = plan

  variables {
    administrators = ["arn:aws:iam::111122223333:role/permafrost-example"]
  }

  expect_failures = [var.administrators]
}

run "without_a_table_there_is_nothing_of_it" {
  command = plan

  assert {
    condition     = length(aws_dynamodb_table.records) + length(aws_dynamodb_resource_policy.records) + length(aws_iam_user.enclave) + length(aws_lb.parents) == 0
    error_message = "a volume, one instance, no load balancer"
  }
}

run "several_instances_share_a_table_that_only_the_enclave_uses" {
  command = plan

  variables {
    table            = true
    instances        = 3
    other_subnet_ids = ["subnet-0b"]
    load_balancer    = { certificate_arn = "arn:aws:acm:eu-central-1:111122223333:certificate/0a", cidrs = ["10.0.0.0/8", "2001:db8::/32"] }
  }

  assert {
    condition     = join(" ", aws_instance.parent[*].subnet_id) == "subnet-0a subnet-0b subnet-0a"
    error_message = "the instances are spread over the subnets"
  }

  assert {
    condition     = length(aws_ebs_volume.store) == 0 && strcontains(aws_instance.parent[0].user_data, "serial=\n")
    error_message = "no volume"
  }

  assert {
    condition     = [for statement in jsondecode(aws_dynamodb_resource_policy.records[0].policy).Statement : statement.Effect] == ["Deny", "Deny", "Deny", "Deny"]
    error_message = "the table's policy has denials alone"
  }

  assert {
    condition = jsonencode(jsondecode(aws_dynamodb_resource_policy.records[0].policy).Statement[0].Condition.ArnNotEquals["aws:PrincipalArn"]) == jsonencode([
      "arn:aws:iam::111122223333:user/permafrost-example", "arn:aws:iam::111122223333:role/administrator",
    ])
    error_message = "everyone else is denied everything"
  }

  assert {
    condition     = !strcontains(aws_dynamodb_resource_policy.records[0].policy, ":role/permafrost-example") && !strcontains(join("", aws_iam_role_policy.session_manager[*].policy), "dynamodb")
    error_message = "the instances' role has no right on the table"
  }

  assert {
    condition     = aws_lb_target_group.parents[0].health_check[0].path == "/readyz" && length(aws_lb_target_group_attachment.parents) == 3
    error_message = "the load balancer asks every instance whether it is ready"
  }

  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.inbound) == 0 && length(aws_vpc_security_group_ingress_rule.load_balancer) == 2
    error_message = "only the load balancer may connect to the instances"
  }
}

run "several_instances_without_a_table_are_refused" {
  command = plan

  variables {
    instances = 2
  }

  expect_failures = [var.instances]
}

run "the_accounts_root_is_no_administrator_of_a_table" {
  command = plan

  variables {
    table          = true
    administrators = ["arn:aws:iam::111122223333:root"]
  }

  expect_failures = [aws_dynamodb_resource_policy.records]
}
