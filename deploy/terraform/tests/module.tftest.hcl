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
    condition     = aws_instance.parent.metadata_options[0].http_tokens == "required" && aws_instance.parent.metadata_options[0].http_put_response_hop_limit == 1
    error_message = "IMDSv2 only, one hop"
  }

  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.inbound) == 0
    error_message = "nothing may connect"
  }

  assert {
    condition     = aws_ebs_volume.store.availability_zone == "eu-central-1b" && aws_instance.parent.subnet_id == "subnet-0a"
    error_message = "the store is where the instance is"
  }

  assert {
    condition     = strcontains(aws_instance.parent.user_data, "nvme-Amazon_Elastic_Block_Store_vol0123456789abcdef0\n")
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
