# A deployment in the default VPC, from docs/deploy.md. Copy this folder, and change what is below.

terraform {
  required_version = ">= 1.9.0, < 2.0.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }

  # The state holds no secret, but anyone who can write it decides what the next apply does: let few do so.
  # backend "s3" {
  #   bucket       = "..."
  #   key          = "permafrost/example.tfstate"
  #   region       = "eu-central-1"
  #   use_lockfile = true
  # }
}

provider "aws" {
  region = "eu-central-1"

  # No other account is touched by mistake.
  allowed_account_ids = ["111122223333"]
}

module "permafrost" {
  source = "../"

  deployment     = "example"
  administrators = ["arn:aws:iam::111122223333:role/administrator"]

  # The second apply: the policy that lets the image in.
  # key_policy_file = "${path.root}/key-policy.json"

  # Several enclaves on one table, behind one address (docs/deploy.md, "Several instances"). All at once, at the start.
  # table            = true
  # instances        = 2
  # subnet_id        = "subnet-..."
  # other_subnet_ids = ["subnet-..."]
  # load_balancer = {
  #   certificate_arn = "arn:aws:acm:eu-central-1:111122223333:certificate/..."
  #   cidrs           = ["10.0.0.0/8"]
  # }
}

output "key_arn" {
  value = module.permafrost.key_arn
}

output "key_policy" {
  value = module.permafrost.key_policy
}

output "role_arn" {
  value = module.permafrost.role_arn
}

output "instance_id" {
  value = module.permafrost.instance_id
}

output "store_volume_id" {
  value = module.permafrost.store_volume_id
}

output "table_arn" {
  value = module.permafrost.table_arn
}

output "enclave_arn" {
  value = module.permafrost.enclave_arn
}

output "load_balancer" {
  value = module.permafrost.load_balancer
}
